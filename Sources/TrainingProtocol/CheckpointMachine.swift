/// Completes a checkpoint whose shards are durable: reads all of them back, then writes the
/// manifest, last and atomically, and reads it back in its turn.
///
/// A checkpoint is its manifest: nothing is claimed before the end, and an error before the rename
/// leaves no manifest behind.
package struct CheckpointMachine: Sendable {
    package enum Effect: Hashable, Sendable {
        /// Read the shards back and compare them with what their writers reported; then the
        /// manifest's content is known.
        case readShards
        case perform(FileOperation)
        /// Read the manifest back and compare it with what was to be written.
        case readManifest
        case finish(Outcome)
    }

    package enum Event: Hashable, Sendable {
        /// All shards are as reported; length of the manifest to write.
        case shardsSound(manifestByteCount: Int)
        case performed(FileResult)
        case manifestSound
        /// What was read back is not what was reported or written.
        case damaged
    }

    package enum Outcome: Hashable, Sendable {
        case committed
        /// Shards or manifest did not come back as they were written; the reader knows more.
        case damaged
        case failed(FileFailure)
    }

    private enum Stage {
        case ready, readingShards, readingManifest, finished
        case writing(AtomicWriteMachine)
    }

    private let manifestPath: String
    private let temporaryPath: String
    private var stage = Stage.ready

    /// - Parameter temporaryPath: in the checkpoint's directory, unique to this writer.
    package init(manifestPath: String, temporaryPath: String) {
        self.manifestPath = manifestPath
        self.temporaryPath = temporaryPath
    }

    /// To be called once every shard was reported durable.
    package mutating func start() -> Effect {
        guard case .ready = stage else { preconditionFailure("\(manifestPath) is started twice") }
        stage = .readingShards
        return .readShards
    }

    package mutating func handle(_ event: Event) -> Effect {
        switch (stage, event) {
        case (.readingShards, .shardsSound(let byteCount)):
            var machine = AtomicWriteMachine(
                path: manifestPath, temporaryPath: temporaryPath, byteCount: byteCount)
            let effect = machine.start()
            stage = .writing(machine)
            return follow(effect)
        case (.writing(var machine), .performed(let result)):
            let effect = machine.handle(result)
            stage = .writing(machine)
            return follow(effect)
        case (.readingManifest, .manifestSound):
            return finish(.committed)
        case (.readingShards, .damaged), (.readingManifest, .damaged):
            return finish(.damaged)
        default:
            preconditionFailure("\(manifestPath): \(event) in \(stage)")
        }
    }

    private mutating func follow(_ effect: AtomicWriteMachine.Effect) -> Effect {
        switch effect {
        case .perform(let operation): return .perform(operation)
        case .finish(.failed(let failure)): return finish(.failed(failure))
        case .finish(.durable):
            stage = .readingManifest
            return .readManifest
        }
    }

    private mutating func finish(_ outcome: Outcome) -> Effect {
        stage = .finished
        return .finish(outcome)
    }
}
