/// What keeps a run from being trained or a network from being evaluated; the text says where it
/// comes from and what to do.
public enum TrainingError: Error, Hashable, CustomStringConvertible {
    /// The phases make no sense together (exit 78).
    case schedule(String)
    /// A file of weights does not fit the network (exit 65).
    case weights(String)
    /// A recording does not hold what a slot asks of it (exit 65).
    case recording(String)
    /// An image that cannot be judged (exit 65).
    case evaluation(String)
    /// The run needs more memory than it may use (exit 78).
    case memory(String)

    /// What is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .schedule(let text), .weights(let text), .recording(let text), .evaluation(let text),
            .memory(let text):
            text
        }
    }
}
