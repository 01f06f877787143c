import Glibc

/// Exclusive use of a run's directory, for as long as the value lives and the process does.
public final class RunLock: Sendable {
    /// Who holds a lock: the launcher and its coordinator each have one of their own.
    public enum Holder: String, Sendable {
        case coordinator = "lock"
        case launcher = "launcher.lock"
    }

    private let descriptor: Int32

    /// Creates the directory where it is missing and takes its lock.
    /// - Throws: `CheckpointError` of kind `inUse` naming the process and host that hold it.
    public init(run: String, for holder: Holder = .coordinator) throws(CheckpointError) {
        try Self.createDirectories(run)
        let path = run + "/" + holder.rawValue
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system(errno, path, "cannot be created") }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            close(descriptor)
            guard code == EWOULDBLOCK else { throw .system(code, path, "cannot be locked") }
            let holder = try ReadableFile(path: path).contents(maximumByteCount: 4096)
            let name = String(decoding: holder, as: UTF8.self).filter { !$0.isNewline }
            throw CheckpointError(
                .inUse, file: run,
                "already in use by \(name.isEmpty ? "another process" : name); "
                    + "stop it, or choose another run directory")
        }
        let holder = Array("PID \(getpid()) on host \(Self.hostName)\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, holder, holder.count, 0) >= 0 else {
            let code = errno
            close(descriptor)
            throw .system(code, path, "cannot be written")
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func createDirectories(_ path: String) throws(CheckpointError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += part
            if mkdir(prefix, 0o755) != 0, errno != EEXIST {
                throw .system(errno, prefix, "the directory cannot be created")
            }
            prefix += "/"
        }
    }
}
