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
    private let process = Process()
    private let ended = DispatchSemaphore(value: 0)
    private let folder: ScratchFolder

    /// Starts one of our programs.
    convenience init(_ name: String, _ arguments: [String]) throws {
        try self.init(Programs.url(name), arguments)
    }

    init(_ program: URL, _ arguments: [String]) throws {
        name = program.lastPathComponent
        folder = try ScratchFolder()
        process.executableURL = program
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.file(folder.path("output"))
        process.standardError = try Self.file(folder.path("errors"))
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
    }

    private static func file(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    deinit {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        ended.wait()
    }

    var isRunning: Bool { process.isRunning }

    var processIdentifier: Int32 { process.processIdentifier }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end; a program that takes longer than `limit` is a failure.
    func end(withinSeconds limit: Double = 120) throws -> EndedProgram {
        guard ended.wait(timeout: .now() + limit) == .success else {
            throw Overdue(
                description: "\(name) has not ended within \(limit) s; it wrote: \(errors)")
        }
        ended.signal()
        let status = process.terminationStatus
        return EndedProgram(
            code: process.terminationReason == .exit ? status : 128 + status,
            output: text("output"), errors: errors)
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
