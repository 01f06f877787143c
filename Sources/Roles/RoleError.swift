import Configurations

/// What keeps a role from starting; the text says what, where and what to do.
public enum RoleError: Error, CustomStringConvertible {
    /// The run's description cannot be read.
    case description(String)
    /// The run's plan and this process's own view of the configuration differ.
    case plan(String)

    /// A shard's state from another server cannot be taken over.
    case replica(String)

    /// A role of a benchmark ended before its time.
    case exchange(String)

    /// The run's description, most of it the index of the data set, does not fit into a message.
    case oversized(byteCount: Int, limit: Int)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .description(let text):
            "the run's description is malformed (\(text)); all processes must be of one build"
        case .plan(let text):
            "\(text); all processes must be of one build and see the same data set"
        case .exchange(let text): "the exchange cannot be timed: \(text)"
        case .replica(let text): "a replica cannot be used: \(text)"
        case .oversized(let byteCount, let limit):
            "the index of the data set takes \(byteCount) bytes, and processes are sent at most "
                + "\(limit): name fewer images in data.labelled, data.weak and data.validation"
        }
    }

    /// 78 where the processes do not fit together.
    public var exitCode: ExitCode {
        switch self {
        case .replica, .exchange: .trainingFailed
        case .description, .plan, .oversized: .configuration
        }
    }
}
