import CLinux
import Foundation

/// One start of a child: its process and the log file that its output goes to.
struct ChildProcess {
    /// Why a process could not be started.
    struct StartFailure: Error, CustomStringConvertible {
        let program: String
        let code: Int32
        /// A missing program stays missing; for want of memory or processes there is another try.
        var exit: ChildExit { code == ENOENT || code == EACCES ? .status(66) : .temporary }
        var description: String {
            "\(program) cannot be started: \(String(cString: strerror(code)))"
        }
    }

    let name: ChildName
    /// As the kernel numbers it.
    let processIdentifier: Int32

    /// Starts a program with its output appended to `log` and an empty input.
    ///
    /// In a process group of its own, so that Ctrl-C at a terminal reaches the launcher alone, and
    /// with signals as at login: one that comes before the program handles it ends the program.
    /// Throws `StartFailure`.
    init(_ name: ChildName, program: String, arguments: [String], log: String) throws {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &files, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, defaults) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigemptyset(&defaults)
        // Not SIGHUP: under `nohup` it stays ignored.
        for number in [SIGINT, SIGTERM] { sigaddset(&defaults, number) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let words = ([program] + arguments).map { strdup($0) }
        defer { words.forEach { free($0) } }
        var identifier: pid_t = 0
        let code = posix_spawn(
            &identifier, program, &files, &attributes, words + [nil], emend_linux_environment())
        guard code == 0 else { throw StartFailure(program: program, code: code) }
        self.name = name
        processIdentifier = identifier
    }

    func signal(_ number: Int32) { kill(processIdentifier, number) }

    /// How the process ended, told once; nil while it lives.
    func takeExit() -> ChildExit? {
        var status: Int32 = 0
        guard waitpid(processIdentifier, &status, WNOHANG) == processIdentifier else { return nil }
        return ChildExit(waitStatus: status)
    }
}
