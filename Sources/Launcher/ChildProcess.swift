import Foundation

/// One role's process, started by the launcher, with its log file.
public struct ChildProcess: Sendable {
    /// What the process does in the run.
    public enum Role: String, Sendable {
        case coordinator, server, worker
    }

    /// What the process does.
    public let role: Role
    /// Among the processes of its role, from 0.
    public let index: Int
    /// Where its output goes.
    public let logFile: URL
    /// As the kernel numbers it.
    public let processIdentifier: Int32

    /// The name used in logs and messages, for example `worker-1`.
    public var name: String { role == .coordinator ? "coordinator" : "\(role.rawValue)-\(index)" }

    /// The last lines of the log, for the report of a failure.
    public func lastLogLines(_ count: Int) -> [String] {
        guard let text = try? String(contentsOf: logFile, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").suffix(count).map(String.init)
    }
}

/// How a child ended.
public enum ChildExit: Sendable, Equatable, CustomStringConvertible {
    case status(Int32)
    case signal(Int32)

    /// The code to hand on: the status itself, or 128 + signal as shells do.
    public var code: Int32 {
        switch self {
        case .status(let status): status
        case .signal(let signal): 128 + signal
        }
    }

    /// The larger, the likelier that another child's failure is behind this end.
    var distanceFromCause: Int {
        switch self {
        // "The run failed", as members learn from the coordinator.
        case .status(1): 2
        // A peer is lost.
        case .status(69): 1
        case .status, .signal: 0
        }
    }

    /// As told to the user.
    public var description: String {
        switch self {
        case .status(let status): "exit status \(status)"
        case .signal(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }
}
