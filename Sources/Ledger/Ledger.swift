import Glibc

/// The record of every committed step: `ledger.jsonl` in the run's directory, which only ever grows.
///
/// One holder at a time, on one queue. After an error of the file it takes nothing more; opening it
/// again repairs it.
package final class Ledger {
    /// Of the ledger, in the run's directory.
    package static let fileName = "ledger.jsonl"

    package let header: LedgerHeader
    private let path: String
    private let storage: any LedgerStorage
    private var trail: LedgerTrail
    private var byteCount: Int
    private var failure: LedgerError?

    /// The version that the entries have come to: the step that is expected next.
    package private(set) var recordedThrough: UInt64

    /// The chain's hash at `recordedThrough`, in lower-case hexadecimal.
    package private(set) var chain: String

    /// Opens the ledger of a run or begins it.
    ///
    /// A last line that a crash cut short is removed; all lines before it are checked, and on return
    /// they are on disk.
    /// - Throws: `LedgerError`, naming the line that does not follow from the one before, or the
    ///   fact in which the header is not this one.
    package static func open(path: String, header: LedgerHeader) throws(LedgerError) -> Ledger {
        let file: LedgerFile
        do throws(SystemCallError) {
            file = try LedgerFile(path: path, .create)
        } catch {
            throw .inputOutput(file: path, during: "opening", error)
        }
        return try Ledger(file, path: path, header: header)
    }

    /// As `open`, on any storage.
    package init(
        _ storage: any LedgerStorage, path: String, header: LedgerHeader
    ) throws(LedgerError) {
        self.storage = storage
        self.path = path
        self.header = header
        var reader = LedgerReader(storage, path: path)
        let isBegun = try reader.header(expecting: header) != nil
        while try reader.next() != nil {}
        trail = reader.trail
        byteCount = reader.byteCount
        recordedThrough = isBegun ? trail.version : 0
        chain = trail.chains.last ?? ""
        if reader.unfinishedByteCount > 0 {
            let end = byteCount
            try perform("truncating") { () throws(SystemCallError) in
                try storage.truncate(to: end)
            }
        }
        if isBegun {
            try perform("synchronising", storage.synchronise)
        } else {
            try record([.header(header)])
        }
    }

    /// Adds the entries of the steps that follow; on return they are on disk.
    ///
    /// Their steps go on from `recordedThrough`.
    /// - Throws: `LedgerError`; then none of them counts.
    package func append(_ entries: [LedgerEntry]) throws(LedgerError) {
        guard !entries.isEmpty else { return }
        try record(entries.map { .entry($0) })
    }

    /// Goes back to a version: entries of steps from it on no longer count, and a note says so.
    ///
    /// The lines stay where they are, so that what is done again can be compared with them. Does
    /// nothing where the ledger is at that version.
    /// - Throws: `LedgerError`; then nothing has changed. `LedgerError.behind` where the ledger has
    ///   not come that far.
    package func cut(toVersion version: UInt64) throws(LedgerError) {
        guard version <= recordedThrough else {
            throw .behind(file: path, recordedThrough: recordedThrough, wanted: version)
        }
        guard version < recordedThrough else { return }
        try record([.rollBack(.init(from: recordedThrough, to: version))])
    }

    private func record(_ contents: [LedgerContent]) throws(LedgerError) {
        if let failure { throw failure }
        let bytes = Array(contents.map { trail.line($0) + "\n" }.joined().utf8)
        do throws(LedgerError) {
            try write(bytes)
            try perform("synchronising", storage.synchronise)
        } catch {
            // What is on disk now is unknown, and a failed fdatasync cannot be repeated.
            failure = error
            throw error
        }
        byteCount += bytes.count
        recordedThrough = trail.version
        chain = trail.chains[Int(recordedThrough)]
    }

    private func write(_ bytes: [UInt8]) throws(LedgerError) {
        var done = 0
        while done < bytes.count {
            var written = 0
            try perform("writing") { () throws(SystemCallError) in
                let result = bytes.withUnsafeBytes { all in
                    Result { () throws(SystemCallError) in
                        try storage.write(
                            UnsafeRawBufferPointer(rebasing: all[done...]), at: byteCount + done)
                    }
                }
                written = try result.get()
                // A write of nothing makes no progress and names no error.
                if written == 0 { throw SystemCallError(EIO) }
            }
            done += written
        }
    }

    /// Makes a call, again where it is interrupted.
    private func perform(
        _ name: String, _ call: () throws(SystemCallError) -> Void
    ) throws(LedgerError) {
        while true {
            do throws(SystemCallError) {
                return try call()
            } catch {
                guard error.code == EINTR else {
                    throw .inputOutput(file: path, during: name, error)
                }
            }
        }
    }
}
