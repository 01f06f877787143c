/// What is wrong with a file or directory of a checkpoint, and where.
public struct CheckpointError: Error, Equatable, CustomStringConvertible {
    /// What a caller can do about the failure.
    public enum Kind: String, Sendable {
        /// A file or directory is not there (exit 66).
        case missing
        /// The content is damaged or of another shape than asked for (exit 65).
        case corrupt
        /// The operating system refused to read or write (exit 74).
        case inputOutput
        /// Another process works in this directory (exit 73).
        case inUse
    }

    /// What a caller can do about it; it chooses the exit code.
    public var kind: Kind
    /// The file or directory.
    public var file: String
    /// The tensor, where the failure concerns one.
    public var tensor: String?
    /// What was expected and what was found.
    public var problem: String
    /// `errno`, where the operating system reported one.
    public var systemError: Int32?

    /// An error about `file`; `problem` says what was expected and what was found.
    public init(
        _ kind: Kind, file: String, tensor: String? = nil, _ problem: String,
        systemError: Int32? = nil
    ) {
        self.kind = kind
        self.file = file
        self.tensor = tensor
        self.problem = problem
        self.systemError = systemError
    }

    /// The file, the tensor where there is one, and the problem, in one line.
    public var description: String {
        let place = tensor.map { "\(file): tensor \"\($0)\"" } ?? file
        return "\(place): \(problem)"
    }
}
