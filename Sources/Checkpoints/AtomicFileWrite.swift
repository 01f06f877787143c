import Glibc

/// Writes one file so that its name never shows anything but the old or the whole new content:
/// temporary file → write → fsync → rename → fsync of the directory.
///
/// A pure state machine: each event yields the one next effect. It finishes with success only after
/// every call succeeded; a failed fsync is never repeated on the same descriptor, for its dirty
/// pages are gone; after an error before the rename the temporary file is removed.
package struct AtomicFileWrite: Sendable {
    package enum Effect: Equatable, Sendable {
        case create(String)
        /// Write some or all of these bytes of the content.
        case write(offset: Int, byteCount: Int)
        case synchronise
        case close
        case rename(String, to: String)
        case synchroniseDirectory(String)
        case remove(String)
        case finish(Outcome)
    }

    package enum Event: Equatable, Sendable {
        case start
        case done
        case wrote(byteCount: Int)
        case failed(SystemError)
    }

    package enum Outcome: Equatable, Sendable {
        case durable
        case failed(SystemError, during: String)
    }

    private enum State {
        case ready, creating, writing, synchronising, closing, renaming, synchronisingDirectory
        case closingAfter(Outcome)
        case removingAfter(Outcome)
        case finished
    }

    /// Largest single write in bytes: it bounds how long the disk holds up an orderly end.
    package static let pieceByteCount = 8 << 20

    private let path: String
    private let temporaryPath: String
    private let directory: String
    private let byteCount: Int
    private var offset = 0
    private var state = State.ready

    /// - Parameter temporaryPath: in the directory of `path`, unique to this writer.
    package init(path: String, temporaryPath: String, byteCount: Int) {
        self.path = path
        self.temporaryPath = temporaryPath
        self.byteCount = byteCount
        directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    package mutating func handle(_ event: Event) -> Effect {
        if case .failed(let error) = event { return fail(error) }
        switch state {
        case .ready:
            state = .creating
            return .create(temporaryPath)
        case .creating:
            return writeNext()
        case .writing:
            guard case .wrote(let count) = event, count <= byteCount - offset else {
                preconditionFailure("\(event) while writing at \(offset) of \(byteCount)")
            }
            // A write of nothing makes no progress and names no error.
            guard count > 0 else { return fail(SystemError(EIO)) }
            offset += count
            return writeNext()
        case .synchronising:
            state = .closing
            return .close
        case .closing:
            state = .renaming
            return .rename(temporaryPath, to: path)
        case .renaming:
            state = .synchronisingDirectory
            return .synchroniseDirectory(directory)
        case .synchronisingDirectory:
            return finish(.durable)
        case .closingAfter(let outcome):
            state = .removingAfter(outcome)
            return .remove(temporaryPath)
        case .removingAfter(let outcome):
            return finish(outcome)
        case .finished:
            preconditionFailure("\(event) after the end")
        }
    }

    private mutating func writeNext() -> Effect {
        guard offset < byteCount else {
            state = .synchronising
            return .synchronise
        }
        state = .writing
        return .write(offset: offset, byteCount: min(byteCount - offset, Self.pieceByteCount))
    }

    private mutating func finish(_ outcome: Outcome) -> Effect {
        state = .finished
        return .finish(outcome)
    }

    private mutating func fail(_ error: SystemError) -> Effect {
        let interrupted = error.code == EINTR
        switch state {
        case .ready, .finished:
            preconditionFailure("error \(error.code) without an effect under way")
        case .creating:
            return interrupted
                ? .create(temporaryPath) : finish(.failed(error, during: "creating"))
        case .writing:
            if interrupted { return writeNext() }
            return abandon(error, during: "writing")
        case .synchronising:
            return interrupted ? .synchronise : abandon(error, during: "fsync")
        case .closing:
            // Linux has closed the descriptor even then: it must not be closed again.
            if interrupted { return handle(.done) }
            state = .removingAfter(.failed(error, during: "closing"))
            return .remove(temporaryPath)
        case .renaming:
            if interrupted { return .rename(temporaryPath, to: path) }
            state = .removingAfter(.failed(error, during: "renaming"))
            return .remove(temporaryPath)
        case .synchronisingDirectory:
            if interrupted { return .synchroniseDirectory(directory) }
            return finish(.failed(error, during: "fsync of the directory"))
        case .closingAfter, .removingAfter:
            // The first error is the one to report.
            return handle(.done)
        }
    }

    private mutating func abandon(_ error: SystemError, during call: String) -> Effect {
        state = .closingAfter(.failed(error, during: call))
        return .close
    }
}
