import Glibc

/// How a child ended.
public enum ChildExit: Sendable, Equatable, CustomStringConvertible {
    case status(Int32)
    case signal(Int32)

    /// A refusal that passes, as of a server whose predecessor the coordinator still waits for.
    static let temporary = ChildExit.status(75)

    /// Reads what `waitpid` reports of a process that has ended.
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .status((waitStatus >> 8) & 0xFF) : .signal(signal)
    }

    /// The code to hand on: the status itself, or 128 + signal as shells do.
    public var code: Int32 {
        switch self {
        case .status(let status): status
        case .signal(let signal): 128 + signal
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

extension ChildExit {
    /// What an end says about starting the process again.
    enum Meaning: Equatable {
        /// The coordinator: the run is complete. A member: it was asked to leave, or the run is over.
        case done
        /// The process itself got a signal that asks it to stop.
        case stopped(signal: Int32)
        /// The next start would end in the same way.
        case verdict
        case death
    }

    /// Command line, data, missing input, no directory, no permission, configuration.
    private static let verdicts: [Int32] = [64, 65, 66, 73, 77, 78]
    /// Training failed, or checkpoints cannot be written: the coordinator's word on the whole run.
    private static let coordinatorVerdicts: [Int32] = [1, 74]

    func meaning(for role: ChildName.Role) -> Meaning {
        switch self {
        case .status(0): .done
        case .status(128 + SIGTERM), .signal(SIGTERM): .stopped(signal: SIGTERM)
        case .status(128 + SIGINT), .signal(SIGINT): .stopped(signal: SIGINT)
        case .status(let status) where Self.verdicts.contains(status): .verdict
        case .status(let status)
        where role == .coordinator && Self.coordinatorVerdicts.contains(status): .verdict
        case .status, .signal: .death
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
}
