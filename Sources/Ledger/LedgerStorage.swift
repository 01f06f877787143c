import Glibc

/// A system call that failed.
package struct SystemCallError: Error, Equatable, CustomStringConvertible {
    /// `errno`.
    package var code: Int32

    package init(_ code: Int32) { self.code = code }

    package var description: String { String(cString: strerror(code)) }
}

/// The calls that a ledger makes of its file, one for one, so that a test can make any of them fail.
package protocol LedgerStorage: AnyObject {
    /// The number of bytes read, 0 at the end.
    func read(
        into target: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(SystemCallError) -> Int
    /// The number of bytes written, which may be fewer than given.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemCallError) -> Int
    func truncate(to byteCount: Int) throws(SystemCallError)
    func synchronise() throws(SystemCallError)
}

/// A ledger's file.
package final class LedgerFile: LedgerStorage {
    package enum Mode: Sendable {
        /// Made where it is missing; its name is then durable.
        case create
        case readOnly
    }

    private let descriptor: Int32

    package init(path: String, _ mode: Mode) throws(SystemCallError) {
        switch mode {
        case .create: descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        case .readOnly: descriptor = open(path, O_RDONLY | O_CLOEXEC)
        }
        guard descriptor >= 0 else { throw SystemCallError(errno) }
        guard mode == .create else { return }
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try Self.synchroniseDirectory(directory.isEmpty ? "/" : directory)
    }

    deinit { close(descriptor) }

    package func read(
        into target: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(SystemCallError) -> Int {
        try Self.check(pread(descriptor, target.baseAddress, target.count, off_t(offset)))
    }

    package func write(
        _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws(SystemCallError) -> Int {
        try Self.check(pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset)))
    }

    package func truncate(to byteCount: Int) throws(SystemCallError) {
        _ = try Self.check(Int(ftruncate(descriptor, off_t(byteCount))))
    }

    package func synchronise() throws(SystemCallError) {
        _ = try Self.check(Int(fdatasync(descriptor)))
    }

    private static func synchroniseDirectory(_ path: String) throws(SystemCallError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCallError(errno) }
        defer { _ = close(descriptor) }
        _ = try check(Int(fsync(descriptor)))
    }

    private static func check(_ result: Int) throws(SystemCallError) -> Int {
        guard result >= 0 else { throw SystemCallError(errno) }
        return result
    }
}
