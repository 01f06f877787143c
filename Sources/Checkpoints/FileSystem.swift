import Glibc
import TrainingProtocol

/// The calls that the storage machines ask for, one for one, so that a test can make any of them
/// fail.
package protocol FileSystem: Sendable {
    /// Performs one operation.
    /// - Parameters:
    ///   - bytes: what `write` is to write; empty for all others.
    ///   - file: descriptor of the machine's open file: set by `create` and `openToAppend`, and
    ///     gone after `close`, whatever that came to.
    func perform(
        _ operation: FileOperation, _ bytes: UnsafeRawBufferPointer, on file: inout Int32
    ) -> FileResult
}

/// The operating system's own calls.
package struct PosixFileSystem: FileSystem {
    package init() {}

    package func perform(
        _ operation: FileOperation, _ bytes: UnsafeRawBufferPointer, on file: inout Int32
    ) -> FileResult {
        switch operation {
        case .create(let path):
            file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            return result(file)
        case .openToAppend(let path):
            file = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
            return result(file)
        case .read:
            return read(file)
        case .write:
            let count = Glibc.write(file, bytes.baseAddress, bytes.count)
            guard count >= 0 else { return .failed(SystemError(errno)) }
            return .wrote(byteCount: count)
        case .truncate(let byteCount):
            return result(ftruncate(file, off_t(byteCount)))
        case .synchronise:
            return result(fsync(file))
        case .close:
            defer { file = -1 }
            return result(close(file))
        case .rename(let source, let target):
            return result(rename(source, target))
        case .synchroniseDirectory(let path):
            return synchroniseDirectory(path)
        case .makeDirectory(let path):
            return result(mkdir(path, 0o755))
        case .list(let path):
            return list(path)
        case .remove(let path):
            return result(remove(path))
        }
    }

    private func result(_ code: Int32) -> FileResult {
        code >= 0 ? .done : .failed(SystemError(errno))
    }

    private func read(_ file: Int32) -> FileResult {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = pread(file, &piece, piece.count, off_t(bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failed(SystemError(errno)) }
            guard count > 0 else { return .read(bytes) }
            bytes += piece[..<count]
        }
    }

    private func synchroniseDirectory(_ path: String) -> FileResult {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return .failed(SystemError(errno)) }
        let result = result(fsync(directory))
        _ = close(directory)
        return result
    }

    private func list(_ path: String) -> FileResult {
        guard let stream = opendir(path) else { return .failed(SystemError(errno)) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return .listed(names.sorted())
    }
}

extension FileSystem {
    /// Drives a storage machine to its end.
    /// - Parameters:
    ///   - first: the machine's first effect.
    ///   - content: what its writes write.
    ///   - written: told of the bytes that each write took, in order.
    ///   - file: the machine's open file, -1 where there is none.
    ///   - next: the machine.
    package func drive<Outcome>(
        _ first: FileEffect<Outcome>, content: FileContent, on file: inout Int32,
        written: (UnsafeRawBufferPointer) -> Void = { _ in },
        next: (FileResult) -> FileEffect<Outcome>
    ) -> Outcome {
        var effect = first
        while true {
            switch effect {
            case .finish(let outcome):
                return outcome
            case .perform(let operation):
                effect = next(perform(operation, of: content, on: &file, written: written))
            }
        }
    }

    /// Performs one operation of a machine whose content is `content`.
    func perform(
        _ operation: FileOperation, of content: FileContent, on file: inout Int32,
        written: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) -> FileResult {
        guard case .write(let offset, let byteCount) = operation else {
            return perform(operation, UnsafeRawBufferPointer(start: nil, count: 0), on: &file)
        }
        let bytes = content.run(at: offset, byteCount: byteCount)
        let result = perform(operation, bytes, on: &file)
        if case .wrote(let count) = result {
            written(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
        return result
    }

    /// Creates a directory unless it is there, and makes its name durable.
    func ensureDirectory(_ path: String) throws(CheckpointError) {
        var machine = DirectoryMachine(path: path)
        var file: Int32 = -1
        try drive(machine.start(), content: FileContent([]), on: &file) { machine.handle($0) }.get()
    }

    /// Writes a small text file atomically.
    func writeText(_ text: String, to path: String) throws(CheckpointError) {
        var outcome = FileOutcome.durable
        Array(text.utf8).withUnsafeBytes { bytes in
            let content = FileContent([bytes])
            var machine = AtomicWriteMachine(to: path, content)
            var file: Int32 = -1
            outcome = drive(machine.start(), content: content, on: &file) { machine.handle($0) }
        }
        try outcome.get()
    }
}

extension AtomicWriteMachine {
    /// The writer of a file, whose temporary name holds this process's id.
    init(to path: String, _ content: FileContent) {
        self.init(
            path: path, temporaryPath: temporaryPath(for: path), byteCount: content.byteCount)
    }
}

/// Unique to this process, in the directory of `path`.
func temporaryPath(for path: String) -> String { "\(path).\(getpid()).tmp" }

extension FileOutcome {
    /// - Throws: `CheckpointError` unless all is durable.
    func get() throws(CheckpointError) {
        if case .failed(let failure) = self { throw CheckpointError(failure) }
    }
}

extension CheckpointError {
    /// The first error of a sequence of file operations.
    package init(_ failure: FileFailure) {
        self = .system(
            failure.error.code, failure.path,
            "\(failure.operation.name) failed, so it does not count as saved")
    }
}
