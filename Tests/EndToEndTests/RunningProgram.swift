import CLinux
import Foundation

/// How a program ended and what it wrote.
struct EndedProgram: CustomStringConvertible {
    /// Its exit status, or 128 + signal as shells do.
    let code: Int32
    let output: String
    let errors: String

    /// The last line of standard output, where results stand.
    var lastLine: String { output.split(separator: "\n").last.map(String.init) ?? "" }

    var description: String {
        "exit \(code)\n--- output\n\(output)\n--- errors\n\(errors.suffix(4000))"
    }
}

/// A process that a test started; it is killed with the last reference.
final class RunningProgram {
    struct Overdue: Error, CustomStringConvertible {
        let description: String
    }

    private let name: String
    private let folder: ScratchFolder
    let processIdentifier: Int32
    private var status: Int32?

    /// Starts one of our programs.
    convenience init(_ name: String, _ arguments: [String]) throws {
        try self.init(Programs.url(name), arguments)
    }

    /// Not by Foundation's `Process`, which misses the end of a child where this process has some
    /// hundred files open.
    init(_ program: URL, _ arguments: [String]) throws {
        name = program.lastPathComponent
        folder = try ScratchFolder()
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        for (descriptor, file) in [(STDOUT_FILENO, "output"), (STDERR_FILENO, "errors")] {
            posix_spawn_file_actions_addopen(
                &files, descriptor, folder.path(file), O_WRONLY | O_CREAT | O_APPEND, 0o644)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // As a shell starts it: a test's thread may block signals.
        var (none, defaults) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigemptyset(&defaults)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&defaults, number) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let words = ([program.path] + arguments).map { strdup($0) }
        defer { words.forEach { free($0) } }
        var identifier: pid_t = 0
        let code = posix_spawn(
            &identifier, program.path, &files, &attributes, words + [nil], emend_linux_environment()
        )
        guard code == 0 else {
            throw Overdue(
                description: "\(name) cannot be started: \(String(cString: strerror(code)))")
        }
        processIdentifier = identifier
    }

    deinit {
        guard isRunning else { return }
        kill(processIdentifier, SIGKILL)
        var status: Int32 = 0
        waitpid(processIdentifier, &status, 0)
    }

    var isRunning: Bool {
        guard status == nil else { return false }
        var status: Int32 = 0
        guard waitpid(processIdentifier, &status, WNOHANG) == processIdentifier else { return true }
        self.status = status
        return false
    }

    func signal(_ number: Int32) {
        // Its number may be another's once its end was seen.
        guard isRunning else { return }
        kill(processIdentifier, number)
    }

    /// Waits for the end; a program that takes longer than `limit` is a failure.
    func end(withinSeconds limit: Double = 120) throws -> EndedProgram {
        let deadline = ContinuousClock.now + .seconds(limit)
        while isRunning {
            guard ContinuousClock.now < deadline else {
                throw Overdue(
                    description: "\(name) has not ended within \(limit) s; it wrote: \(errors)")
            }
            usleep(2_000)
        }
        // As wait(2) packs it.
        let status = status ?? 0
        let signal = status & 0x7f
        return EndedProgram(
            code: signal == 0 ? status >> 8 & 0xff : 128 + signal, output: text("output"),
            errors: errors)
    }

    var errors: String { text("errors") }

    private func text(_ name: String) -> String {
        let data = FileManager.default.contents(atPath: folder.path(name)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }
}

/// Waits until `condition` holds, asking fifty times a second; throws where it does not in time.
func eventually(
    _ what: String, withinSeconds limit: Double = 60, _ condition: () throws -> Bool
) throws {
    let deadline = ContinuousClock.now + .seconds(limit)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            throw RunningProgram.Overdue(description: "not within \(limit) s: \(what)")
        }
        usleep(20_000)
    }
}
