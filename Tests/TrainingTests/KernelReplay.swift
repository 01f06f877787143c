import Foundation

/// The program of Tests/KernelReplay, built for one processor.
struct KernelReplay: Sendable {
    enum Processor: String, CaseIterable {
        case here
        /// Under emulation.
        case arm64
    }

    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// What runs programs for arm64.
    private static let emulator = "qemu-aarch64-static"

    /// Whether programs for arm64 can be built and run here.
    static var emulatesARM64: Bool { processors.contains(.arm64) }

    private static let processors = Processor.allCases.filter { processor in
        processor == .here
            || (isInstalled(emulator)
                && Places.exists(URL(filePath: "/usr/aarch64-linux-gnu/lib/libc.a")))
    }

    /// One for each of these processors, built once.
    static let all = Result { try processors.map { try KernelReplay(for: $0) } }

    let processor: Processor
    /// The kernels that it has, the twins among them.
    let levels: [String]
    private let command: [String]

    private init(for processor: Processor) throws {
        let folder = Places.package.appending(path: ".build/kernel-replay")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let program = folder.appending(path: processor.rawValue).path
        let script = Places.package.appending(path: "Tests/KernelReplay/build.sh").path
        let isForeign = processor == .arm64
        _ = try Self.output(of: [script, program] + (isForeign ? [processor.rawValue] : []))
        command = (isForeign ? [Self.emulator] : []) + [program]
        levels = try Self.output(of: command + ["levels"]).split(separator: "\n").map(String.init)
        self.processor = processor
    }

    /// A line for each entry of the level, with the hash of what it gave.
    func exercise(_ level: String) throws -> String {
        try Self.output(of: command + ["exercise", level])
    }

    /// A line for each entry that the recording calls, with the hash of what the level gave; throws
    /// where it is not what was recorded.
    func replay(_ recording: URL, _ level: String) throws -> String {
        try Self.output(of: command + ["replay", level, recording.path])
    }

    private static func isInstalled(_ program: String) -> Bool {
        let folders = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return folders.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    /// What a command that ends with 0 writes to standard output.
    private static func output(of command: [String]) throws -> String {
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw Failed(
                description: "\(command.joined(separator: " ")) ended with "
                    + "\(process.terminationStatus); standard error says why")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
