import Foundation
import Glibc
import Synchronization

/// A file of metrics that cannot be read or written.
public struct MetricsError: Error, Equatable, CustomStringConvertible {
    /// Path of the file.
    public var file: String
    /// What failed and the system's reason.
    public var problem: String
    /// `errno`, where it is known.
    public var systemError: Int32?
    /// The file and the problem in one line.
    public var description: String { "\(file): \(problem)" }
}

/// `metrics.jsonl` of a run: one JSON object per line, each written whole with one call.
public final class MetricsFile: Sendable {
    /// The file, as it was given to `init`.
    public let path: String
    private let descriptor: Int32
    private let lock = Mutex(())

    /// Opens or creates the file.
    ///
    /// A last line that a crash cut short is removed, and, where a run resumes, so are the lines of
    /// steps that will be done again.
    /// - Parameter resumeStep: lines whose `step` is this or later are removed.
    /// - Throws: `MetricsError`.
    public init(path: String, resumeStep: Int? = nil) throws(MetricsError) {
        var status = stat()
        // A pipe or device has no lines to cut, and may never end.
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            try Self.cut(path, resumeStep: resumeStep)
        }
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be opened") }
    }

    deinit { close(descriptor) }

    /// Appends a line.
    /// - Throws: `MetricsError`, as with a full disk; part of the line is then taken back.
    public func append(_ fields: [JSONField]) throws(MetricsError) {
        let bytes = Array((JSONValue.object(fields).text + "\n").utf8)
        let failure: MetricsError? = lock.withLock { _ in
            let end = lseek(descriptor, 0, SEEK_END)
            var written = 0
            while written < bytes.count {
                let count = bytes[written...].withUnsafeBytes {
                    Glibc.write(descriptor, $0.baseAddress, $0.count)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    let failure = Self.failure(path, "cannot be written")
                    // What stands is still whole lines even if this fails: opening cuts the rest.
                    _ = ftruncate(descriptor, end)
                    return failure
                }
                written += count
            }
            return nil
        }
        if let failure { throw failure }
    }

    private static func cut(_ path: String, resumeStep: Int?) throws(MetricsError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw failure(path, "cannot be read")
        }
        var kept = Data()
        var start = data.startIndex
        while let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = data[start...end]
            if isKept(line, resumeStep) { kept.append(line) }
            start = end + 1
        }
        guard kept != data else { return }
        // A crash leaves either the old file or the new one.
        let temporary = path + ".tmp"
        do {
            try kept.write(to: URL(filePath: temporary))
        } catch {
            throw MetricsError(file: path, problem: "cannot be shortened: \(error)")
        }
        guard rename(temporary, path) == 0 else { throw failure(path, "cannot be shortened") }
    }

    private static func isKept(_ line: Data, _ resumeStep: Int?) -> Bool {
        guard let resumeStep else { return true }
        let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any]
        guard let step = object?["step"] as? Int else { return true }
        return step < resumeStep
    }

    private static func failure(_ path: String, _ problem: String) -> MetricsError {
        let code = errno
        return MetricsError(
            file: path, problem: "\(problem): \(String(cString: strerror(code)))", systemError: code
        )
    }
}
