/// Deletes old checkpoints, but nothing before one of those that stay has been read and found whole,
/// and its names are durable.
///
/// Of a checkpoint the manifest goes first, durably: without it the rest is none, so that no loss
/// of power brings half a checkpoint back.
package struct RetentionMachine: Sendable {
    /// A step's directory, complete or not.
    package struct Entry: Hashable, Sendable {
        package let step: UInt64
        package let path: String

        package init(step: UInt64, path: String) {
            self.step = step
            self.path = path
        }
    }

    package enum Effect: Hashable, Sendable {
        /// Read the checkpoint at this step whole.
        case verify(step: UInt64)
        case perform(FileOperation)
        case finish(Outcome)
    }

    package enum Event: Hashable, Sendable {
        case sound
        case damaged
        case performed(FileResult)
    }

    package enum Outcome: Hashable, Sendable {
        /// The steps deleted, oldest first.
        case deleted([UInt64])
        /// None of the checkpoints that would stay is whole: nothing was deleted.
        case refused
        /// `deleted` are gone nevertheless.
        case failed(FileFailure, deleted: [UInt64])
    }

    private enum Stage {
        case ready, finished
        case verifying(Entry)
        case securing(Entry)
        case performing(FileOperation)
    }

    private let manifestName: String
    /// Newest first.
    private var candidates: ArraySlice<Entry>
    private var doomed: ArraySlice<Entry>
    private var names: ArraySlice<String> = []
    private var deleted: [UInt64] = []
    private var isKnownWhole: Bool
    private var stage = Stage.ready

    /// - Parameters:
    ///   - complete: every checkpoint with a manifest, oldest first.
    ///   - incomplete: directories without one, oldest first; those older than the newest complete
    ///     checkpoint go as well, any later one may be under way.
    ///   - keep: how many of the newest complete ones stay, at least 1.
    ///   - protected: steps that stay whatever their age.
    ///   - knownWhole: a step that was just read and found whole; nil where none was.
    package init(
        complete: [Entry], incomplete: [Entry], keep: Int, protected: [UInt64],
        knownWhole: UInt64? = nil, manifestName: String
    ) {
        precondition(keep >= 1, "keep \(keep)")
        self.manifestName = manifestName
        let newestKept = Set(complete.suffix(keep).map(\.step))
        let staying = complete.filter {
            newestKept.contains($0.step) || protected.contains($0.step)
        }
        candidates = Array(staying.reversed())[...]
        let newest = complete.last?.step ?? 0
        doomed =
            (complete + incomplete).sorted { $0.step < $1.step }
            .filter { $0.step < newest && !staying.contains($0) }[...]
        isKnownWhole = staying.contains { $0.step == knownWhole }
    }

    package mutating func start() -> Effect {
        guard case .ready = stage else { preconditionFailure("retention is started twice") }
        guard !doomed.isEmpty else { return finish(.deleted([])) }
        return isKnownWhole ? deleteNext() : verifyNext()
    }

    package mutating func handle(_ event: Event) -> Effect {
        switch (stage, event) {
        case (.verifying(let entry), .sound):
            return secure(entry)
        case (.verifying, .damaged): return verifyNext()
        case (.securing(let entry), .performed(let result)):
            let operation = FileOperation.synchroniseDirectory(entry.path)
            guard let result = operation.meaning(of: result) else { return secure(entry) }
            guard case .failed(let error) = result else { return deleteNext() }
            let failure = FileFailure(error, during: operation, path: entry.path)
            return finish(.failed(failure, deleted: []))
        case (.performing(let operation), .performed(let result)):
            guard let result = operation.meaning(of: result) else { return .perform(operation) }
            return advance(operation, result)
        default: preconditionFailure("retention: \(event) in \(stage)")
        }
    }

    private mutating func verifyNext() -> Effect {
        guard let entry = candidates.popFirst() else { return finish(.refused) }
        stage = .verifying(entry)
        return .verify(step: entry.step)
    }

    /// Whoever wrote it may have died before its last fsync.
    private mutating func secure(_ entry: Entry) -> Effect {
        stage = .securing(entry)
        return .perform(.synchroniseDirectory(entry.path))
    }

    private mutating func deleteNext() -> Effect {
        guard let entry = doomed.first else { return finish(.deleted(deleted)) }
        return ask(.list(entry.path))
    }

    private mutating func advance(_ operation: FileOperation, _ result: FileResult) -> Effect {
        guard let entry = doomed.first else { preconditionFailure("\(operation) of nothing") }
        switch (operation, result) {
        case (.list, .listed(let found)):
            let manifest = found.filter { $0 == manifestName }
            let others = found.filter { $0 != manifestName }
            #if PLANTED_MANIFEST_DELETED_LAST
                names = (others + manifest)[...]
            #else
                names = (manifest + others)[...]
            #endif
            return removeNext(in: entry)
        // What is gone already needs no deleting.
        case (.remove, .done), (.remove, .failed(.notFound)):
            guard operation != .remove(entry.path) else {
                deleted.append(entry.step)
                doomed.removeFirst()
                return deleteNext()
            }
            let wasManifest = operation == .remove(entry.path + "/" + manifestName)
            return wasManifest ? ask(.synchroniseDirectory(entry.path)) : removeNext(in: entry)
        case (.synchroniseDirectory, .done):
            return removeNext(in: entry)
        case (_, .failed(let error)):
            let failure = FileFailure(error, during: operation, path: entry.path)
            return finish(.failed(failure, deleted: deleted))
        default:
            preconditionFailure("\(result) of \(operation)")
        }
    }

    private mutating func removeNext(in entry: Entry) -> Effect {
        guard let name = names.popFirst() else { return ask(.remove(entry.path)) }
        return ask(.remove(entry.path + "/" + name))
    }

    private mutating func ask(_ operation: FileOperation) -> Effect {
        stage = .performing(operation)
        return .perform(operation)
    }

    private mutating func finish(_ outcome: Outcome) -> Effect {
        stage = .finished
        return .finish(outcome)
    }
}
