/// One call on a file system, as a storage machine asks for it: whoever drives the machine performs
/// it on the machine's one open file and hands back the result.
package enum FileOperation: Hashable, Sendable {
    /// Open a file for writing, empty.
    case create(String)
    /// Open a file for reading and appending; create it where it is missing.
    case openToAppend(String)
    /// Read the open file whole.
    case read
    /// Write some or all of these bytes of the machine's content behind what the file holds.
    case write(offset: Int, byteCount: Int)
    /// Cut the open file to this length.
    case truncate(byteCount: Int)
    /// Wait until the open file's content and length are on disk.
    case synchronise
    case close
    case rename(String, to: String)
    /// Wait until the names in a directory are on disk.
    case synchroniseDirectory(String)
    case makeDirectory(String)
    /// The names in a directory, sorted.
    case list(String)
    /// Delete a file or an empty directory.
    case remove(String)

    /// What was going on, for messages.
    package var name: String {
        switch self {
        case .create: "creating"
        case .openToAppend: "opening"
        case .read: "reading"
        case .write: "writing"
        case .truncate: "cutting off a torn end"
        case .synchronise: "fsync"
        case .close: "closing"
        case .rename: "renaming"
        case .synchroniseDirectory: "fsync of the directory"
        case .makeDirectory: "creating the directory"
        case .list: "listing"
        case .remove: "removing"
        }
    }

    /// What a result means; nil where the call was interrupted and is to be made again.
    ///
    /// An interrupted `close` has closed the descriptor on Linux: it must not be closed again.
    package func meaning(of result: FileResult) -> FileResult? {
        guard result == .failed(.interrupted) else { return result }
        return self == .close ? .done : nil
    }
}

/// What an operation came to.
package enum FileResult: Hashable, Sendable {
    case done
    /// Bytes written, which may be fewer than asked.
    case wrote(byteCount: Int)
    case read([UInt8])
    case listed([String])
    case failed(SystemError)
}

/// What a storage machine wants next.
package enum FileEffect<Outcome: Sendable>: Sendable {
    case perform(FileOperation)
    case finish(Outcome)
}

extension FileEffect: Equatable where Outcome: Equatable {}

/// A system call that failed, by its `errno`; the numbers are Linux's on every processor it has.
package struct SystemError: Error, Hashable, Sendable {
    package static let notFound = SystemError(2)
    package static let interrupted = SystemError(4)
    package static let inputOutput = SystemError(5)
    package static let exists = SystemError(17)
    package static let noSpace = SystemError(28)

    package let code: Int32
    package init(_ code: Int32) { self.code = code }
}

/// The first error of a sequence of operations: nothing of it counts as saved.
package struct FileFailure: Error, Hashable, Sendable {
    package let error: SystemError
    package let operation: FileOperation
    /// The file or directory that was to be written.
    package let path: String

    package init(_ error: SystemError, during operation: FileOperation, path: String) {
        self.error = error
        self.operation = operation
        self.path = path
    }
}

/// What a sequence of operations came to as a whole.
package enum FileOutcome: Hashable, Sendable {
    /// On disk, name and content, whatever happens next.
    case durable
    case failed(FileFailure)
}

/// The directory of a path; `.` for a bare name.
package func parentDirectory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
