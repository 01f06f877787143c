import Glibc

/// A system call that failed.
package struct SystemError: Error, Equatable {
    package var code: Int32
    package init(_ code: Int32) { self.code = code }
}

/// The calls that writing a checkpoint needs, one for one, so that a test can make any of them
/// fail.
package protocol FileSystem: Sendable {
    /// Opens a file for writing, empty; its descriptor.
    func create(_ path: String) throws(SystemError) -> Int32
    /// The number of bytes written, which may be fewer than given.
    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) -> Int
    func synchronise(_ descriptor: Int32) throws(SystemError)
    func close(_ descriptor: Int32) throws(SystemError)
    func rename(_ source: String, to target: String) throws(SystemError)
    func synchroniseDirectory(_ path: String) throws(SystemError)
    func remove(_ path: String) throws(SystemError)
    func makeDirectory(_ path: String) throws(SystemError)
}

/// The operating system's own calls.
package struct PosixFileSystem: FileSystem {
    package init() {}

    package func create(_ path: String) throws(SystemError) -> Int32 {
        try check(Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644))
    }

    package func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32
    ) throws(SystemError) -> Int {
        let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        guard count >= 0 else { throw SystemError(errno) }
        return count
    }

    package func synchronise(_ descriptor: Int32) throws(SystemError) {
        _ = try check(fsync(descriptor))
    }

    package func close(_ descriptor: Int32) throws(SystemError) {
        _ = try check(Glibc.close(descriptor))
    }

    package func rename(_ source: String, to target: String) throws(SystemError) {
        _ = try check(Glibc.rename(source, target))
    }

    package func synchroniseDirectory(_ path: String) throws(SystemError) {
        let descriptor = try check(Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        defer { _ = Glibc.close(descriptor) }
        _ = try check(fsync(descriptor))
    }

    package func remove(_ path: String) throws(SystemError) {
        _ = try check(Glibc.remove(path))
    }

    package func makeDirectory(_ path: String) throws(SystemError) {
        _ = try check(mkdir(path, 0o755))
    }

    private func check(_ result: Int32) throws(SystemError) -> Int32 {
        guard result >= 0 else { throw SystemError(errno) }
        return result
    }
}
