import Glibc

/// An open file that is read by position, so that several threads may read it at once.
package final class ReadableFile: Sendable {
    package let path: String
    package let byteCount: Int
    private let descriptor: Int32

    /// Opens a regular file.
    /// - Throws: `CheckpointError` of kind `missing` or `inputOutput`.
    package init(path: String) throws(CheckpointError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, path, "cannot be opened") }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(code, path, "cannot be examined")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw CheckpointError(.corrupt, file: path, "expected a regular file")
        }
        self.path = path
        self.descriptor = descriptor
        byteCount = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fills `target` with the bytes from `offset` on.
    /// - Throws: `CheckpointError` where the file ends before or cannot be read.
    package func read(
        into target: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(CheckpointError) {
        var done = 0
        while done < target.count {
            let count = pread(
                descriptor, target.baseAddress! + done, target.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno, path, "cannot be read") }
            guard count > 0 else {
                throw CheckpointError(
                    .corrupt, file: path,
                    "ends at byte \(offset + done), expected \(offset + target.count) or more")
            }
            done += count
        }
    }

    /// The whole file, which must not exceed `maximumByteCount`.
    package func contents(maximumByteCount: Int) throws(CheckpointError) -> [UInt8] {
        guard byteCount <= maximumByteCount else {
            throw CheckpointError(
                .corrupt, file: path,
                "expected at most \(maximumByteCount) bytes, found \(byteCount)")
        }
        var bytes = [UInt8](repeating: 0, count: byteCount)
        do {
            try bytes.withUnsafeMutableBytes { try read(into: $0, at: 0) }
        } catch let error as CheckpointError {
            throw error
        } catch { preconditionFailure("unexpected error \(error)") }
        return bytes
    }
}

extension CheckpointError {
    /// The failure of a system call on `file`.
    package static func system(
        _ code: Int32, _ file: String, _ problem: String
    ) -> CheckpointError {
        let reason = String(cString: strerror(code))
        return CheckpointError(
            code == ENOENT ? .missing : .inputOutput, file: file, "\(problem): \(reason)",
            systemError: code)
    }
}
