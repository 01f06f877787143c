import ArgumentParser
import Configurations
import Foundation
import Logging
import Telemetry
import Tensors

/// Options that every role's program has.
public struct RoleCommandOptions: ParsableArguments {
    /// How log lines look.
    @Option(help: "human, or json for one JSON object per line.")
    public var logFormat = LogFormat.human
    /// The least severe messages that are written.
    @Option(help: "trace, debug, info, notice, warning or error.")
    public var logLevel = Logger.Level.info
    /// Process identifier of the launcher, with which this process dies.
    @Option(help: .hidden) public var exitWithParent: Int32?

    /// For ArgumentParser, which fills in the values.
    public init() {}

    /// Prepares the process, runs the role, and ends with its exit code; an error is told first.
    public func run(_ name: String, _ role: () throws -> Configurations.ExitCode) throws {
        // A file that outgrows its limit is an error to tell, as a full disk is, not a death.
        signal(SIGXFSZ, SIG_IGN)
        if let exitWithParent {
            ParentProcess.die(with: exitWithParent)
            // The launcher ignores these while it waits, and children inherit that: until the loop
            // takes them over, they end the process.
            for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        }
        let (format, level) = (logFormat, logLevel)
        let output = TerminalOutput()
        LoggingSystem.bootstrap { label in
            StandardErrorLogHandler(
                format,
                identity: LogIdentity(
                    role: label, id: String(ProcessInfo.processInfo.processIdentifier),
                    host: ProcessInfo.processInfo.hostName),
                output: output, level: level)
        }
        let code: Configurations.ExitCode
        do {
            code = try role()
        } catch {
            FileHandle.standardError.write(Data("\(name): \(error)\n".utf8))
            code = Configurations.ExitCode(for: error)
        }
        throw ArgumentParser.ExitCode(code.rawValue)
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
extension LogFormat: ExpressibleByArgument {}
extension InstructionSet: ExpressibleByArgument {}
