/// Makes a directory unless it is there, and its name durable in its parent.
///
/// One that is there is made durable as well: whoever made it may not have come to that yet.
package struct DirectoryMachine: Sendable {
    package typealias Effect = FileEffect<FileOutcome>

    private let path: String
    private var current: FileOperation?

    package init(path: String) { self.path = path }

    package mutating func start() -> Effect {
        precondition(current == nil, "\(path) is started twice")
        return ask(.makeDirectory(path))
    }

    package mutating func handle(_ result: FileResult) -> Effect {
        guard let current else { preconditionFailure("\(path): \(result) without an operation") }
        guard let result = current.meaning(of: result) else { return .perform(current) }
        switch (current, result) {
        case (.makeDirectory, .done), (.makeDirectory, .failed(.exists)):
            #if PLANTED_NEW_DIRECTORY_NOT_SYNCHRONISED
                return .finish(.durable)
            #else
                return ask(.synchroniseDirectory(parentDirectory(of: path)))
            #endif
        case (_, .failed(let error)):
            return .finish(.failed(FileFailure(error, during: current, path: path)))
        default:
            return .finish(.durable)
        }
    }

    private mutating func ask(_ operation: FileOperation) -> Effect {
        current = operation
        return .perform(operation)
    }
}
