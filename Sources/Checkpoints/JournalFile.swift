import Glibc
import Hashes
import TrainingProtocol

/// A file of JSON values, one a line, each on disk before `append` returns.
///
/// A line is `{"entry":…,"crc32":"…"}`, the sum being that of the text of the first: any changed
/// byte is found.
package final class JournalFile {
    package let path: String
    private let fileSystem: any FileSystem
    private var machine: JournalMachine
    private var file: Int32 = -1

    /// Opens a journal and reads it, creates it where it is missing, cuts off a torn end, and makes
    /// sure that what it returns is on disk.
    /// - Throws: `CheckpointError`: `corrupt`, naming the line, where one in the middle is damaged;
    ///   the file is as it was then.
    package static func open(
        _ path: String, on fileSystem: any FileSystem = PosixFileSystem()
    ) throws(CheckpointError) -> (journal: JournalFile, entries: [JSON]) {
        let journal = JournalFile(path, fileSystem)
        let lines = try journal.read()
        let entries = try journal.entries(of: lines)
        try journal.renew(lines)
        return (journal, entries)
    }

    private init(_ path: String, _ fileSystem: any FileSystem) {
        self.path = path
        self.fileSystem = fileSystem
        machine = JournalMachine(path: path)
    }

    deinit { if file >= 0 { close(file) } }

    /// Appends one entry and waits until it is on disk.
    ///
    /// After an error the journal is unusable: every later append throws that error again.
    /// - Throws: `CheckpointError` of kind `inputOutput`.
    package func append(_ entry: JSON) throws(CheckpointError) {
        let content = Array(Self.line(entry).utf8)
        switch drive(machine.append(byteCount: content.count), content: content) {
        case .durable: return
        case .failed(let failure): throw CheckpointError(failure)
        case let outcome: preconditionFailure("\(path): an append that came to \(outcome)")
        }
    }

    /// An error about one line, counted from 1.
    package func damage(line: Int, _ problem: String) -> CheckpointError {
        CheckpointError(
            .corrupt, file: path,
            "line \(line): \(problem); restore the file, or start from a checkpoint in a new run")
    }

    private func read() throws(CheckpointError) -> [UInt8] {
        switch drive(machine.open(), content: []) {
        case .found(let lines, _): return lines
        case .failed(let failure): throw CheckpointError(failure)
        case let outcome: preconditionFailure("\(path): reading it came to \(outcome)")
        }
    }

    private func renew(_ lines: [UInt8]) throws(CheckpointError) {
        switch drive(machine.renew(), content: lines) {
        case .opened: return
        case .failed(let failure): throw CheckpointError(failure)
        case let outcome: preconditionFailure("\(path): renewing it came to \(outcome)")
        }
    }

    private func drive(
        _ first: JournalMachine.Effect, content: [UInt8]
    ) -> JournalMachine.Outcome {
        content.withUnsafeBytes { bytes in
            fileSystem.drive(first, content: FileContent([bytes]), on: &file) {
                machine.handle($0)
            }
        }
    }

    private static func line(_ entry: JSON) -> String {
        let sum = Array(entry.text.utf8).withUnsafeBytes { crc32($0) }
        return JSON.object([
            .init("entry", entry), .init("crc32", .string(hexadecimal(UInt64(sum), digits: 8))),
        ]).text + "\n"
    }

    private func entries(of bytes: [UInt8]) throws(CheckpointError) -> [JSON] {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var entries: [JSON] = []
        for (index, line) in lines.dropLast().enumerated() {
            let json: JSON
            do {
                json = try Array(line).withUnsafeBytes { try JSONParser.parse($0) }
            } catch { throw damage(line: index + 1, "\(error)") }
            guard let entry = json["entry"] else {
                throw damage(line: index + 1, "expected a member entry")
            }
            guard Self.line(entry).utf8.dropLast().elementsEqual(line) else {
                throw damage(line: index + 1, "the sum does not fit the content")
            }
            entries.append(entry)
        }
        return entries
    }
}
