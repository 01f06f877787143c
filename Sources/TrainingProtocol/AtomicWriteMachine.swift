/// Writes one file so that its name never shows anything but the old or the whole new content:
/// temporary file → write → fsync → close → rename → fsync of the directory.
///
/// It ends with success only after every call succeeded. A failed fsync is never repeated on its
/// descriptor, for the dirty pages are gone; after an error the temporary file is removed.
package struct AtomicWriteMachine: Sendable {
    package typealias Effect = FileEffect<FileOutcome>

    /// Largest single write in bytes: it bounds how long the writer holds the processor and the
    /// disk at a time.
    package static let pieceByteCount = 1 << 20

    private let path: String
    private let temporaryPath: String
    private let byteCount: Int
    private var offset = 0
    /// The operation under way: all there is to know about where the machine stands.
    private var current: FileOperation?
    private var failure: FileFailure?

    /// - Parameter temporaryPath: in the directory of `path`, unique to this writer.
    package init(path: String, temporaryPath: String, byteCount: Int) {
        precondition(byteCount >= 0, "\(path): \(byteCount) bytes")
        self.path = path
        self.temporaryPath = temporaryPath
        self.byteCount = byteCount
    }

    package mutating func start() -> Effect {
        precondition(current == nil && failure == nil && offset == 0, "\(path) is started twice")
        return ask(.create(temporaryPath))
    }

    package mutating func handle(_ result: FileResult) -> Effect {
        guard let current else { preconditionFailure("\(path): \(result) without an operation") }
        guard let result = current.meaning(of: result) else { return .perform(current) }
        if case .failed(let error) = result { return fail(error, during: current) }
        switch current {
        case .create:
            return writeNext()
        case .write(_, let asked):
            guard case .wrote(let count) = result, (0...asked).contains(count) else {
                preconditionFailure("\(path): \(result) at \(offset) of \(byteCount)")
            }
            // A write of nothing makes no progress and names no error.
            guard count > 0 else { return fail(.inputOutput, during: current) }
            offset += count
            return writeNext()
        case .synchronise:
            return ask(.close)
        case .close:
            return ask(failure == nil ? .rename(temporaryPath, to: path) : .remove(temporaryPath))
        case .rename:
            #if PLANTED_DIRECTORY_NOT_SYNCHRONISED
                return finish()
            #else
                return ask(.synchroniseDirectory(parentDirectory(of: path)))
            #endif
        case .synchroniseDirectory, .remove:
            return finish()
        case .openToAppend, .read, .truncate, .makeDirectory, .list:
            preconditionFailure("\(path): \(current) is none of this machine's operations")
        }
    }

    private mutating func writeNext() -> Effect {
        guard offset < byteCount else {
            #if PLANTED_FILE_NOT_SYNCHRONISED
                return ask(.close)
            #else
                return ask(.synchronise)
            #endif
        }
        return ask(.write(offset: offset, byteCount: min(byteCount - offset, Self.pieceByteCount)))
    }

    private mutating func ask(_ operation: FileOperation) -> Effect {
        current = operation
        return .perform(operation)
    }

    /// The first error is the one to report; what is left to do is to clean up.
    private mutating func fail(_ error: SystemError, during operation: FileOperation) -> Effect {
        #if PLANTED_FAILED_SYNCHRONISATION_REPEATED
            if operation == .synchronise { return ask(.synchronise) }
        #endif
        failure = failure ?? FileFailure(error, during: operation, path: path)
        switch operation {
        case .write, .synchronise: return ask(.close)
        case .close, .rename: return ask(.remove(temporaryPath))
        default: return finish()
        }
    }

    private mutating func finish() -> Effect {
        current = nil
        return .finish(failure.map { .failed($0) } ?? .durable)
    }
}
