/// What a primary knows of the server that backs its shard.
struct Replication: Sendable {
    enum Stage: Sendable, Equatable {
        /// The backup is being filled, and the primary acts as if it had none.
        case filling
        /// The backup has caught up: what it has not acknowledged is not durable, and the primary
        /// stays at most one step ahead of it.
        case synchronous
    }

    /// One committed step on its way to the backup.
    struct Replica: Sendable {
        let commit: StepCommitted
        let roots: [ChunkRoot]
    }

    /// A state that the backup is filled with.
    struct Source: Sendable {
        let version: Version
        let stateHash: Digest
        /// The job that collects the parts, until they are here.
        var collecting: JobID?
        var parts: [StatePart] = []
    }

    let backup: ServerIndex
    let peer: Peer
    var stage: Stage = .filling
    var source: Source?
    /// By step: committed here and not acknowledged there.
    var queue: [Replica] = []
    var acknowledged: Version?
    /// The version that the backup began with: it holds the reports of later steps alone.
    var filledAt: Version?
    var heardAt: Instant
    /// When this server became the backup.
    let startedAt: Instant
    /// When the queue, or a part of it, last left.
    var sentAt: Instant

    init(backup: ServerIndex, peer: Peer, at now: Instant) {
        self.backup = backup
        self.peer = peer
        startedAt = now
        heardAt = now
        sentAt = now
    }

    /// A backup that loads the same checkpoint as this primary, at this version.
    mutating func begin(at version: Version, stateHash: Digest) {
        source = Source(version: version, stateHash: stateHash, collecting: nil)
    }

    /// From now on each commit is kept for the backup: it holds, or is being sent, an earlier state.
    var isStreaming: Bool { source != nil || acknowledged != nil }

    /// Of the state at a version that the backup may name; nil where it is not known any more.
    func stateHash(at version: Version) -> Digest? {
        if let replica = queue.first(where: { $0.commit.step.result == version }) {
            return replica.commit.stateHash
        }
        return source?.version == version ? source?.stateHash : nil
    }

    /// Forgets what the backup has.
    mutating func acknowledge(_ version: Version) {
        acknowledged = version
        if filledAt == nil { filledAt = version }
        source = nil
        queue.removeAll { $0.commit.step.result <= version }
    }
}

/// What a backup knows of the primary it follows.
struct Following: Sendable {
    /// A step of which some parts have arrived.
    struct Pending: Sendable {
        let step: Step
        var roots: [ChunkRoot] = []
        var commit: StepCommitted?

        /// Whether everything is here.
        var isComplete: Bool {
            guard let commit else { return false }
            guard commit.decision == .apply else { return true }
            return commit.chunks.allSatisfy { entry in
                roots.contains { $0.chunk == entry.chunk }
            }
        }
    }

    var primary: ServerIndex
    /// By step.
    var pending: [Pending] = []
    /// The decision that the running commit repeats.
    var repeating: StepCommitted?
    /// Where the server is to lead the shard once the running commit has ended.
    var promotion: ShardTerm?

    init(primary: ServerIndex) { self.primary = primary }

    /// The place of a step's parts, at most `capacity` steps ahead of `version`.
    mutating func place(of step: Step, version: Version, capacity: UInt64) -> Int? {
        if let place = pending.firstIndex(where: { $0.step == step }) { return place }
        guard version.index <= step.index, step.index < version.index + capacity else {
            return nil
        }
        let place = pending.firstIndex { step < $0.step } ?? pending.count
        pending.insert(Pending(step: step), at: place)
        return place
    }
}

/// A backup that has no state of its shard yet.
struct Filling: Sendable {
    let shard: ShardIndex
    let term: ShardTerm
    let primary: ServerIndex
    var version: Version?
    var partCount: UInt32 = 0
    var parts: [StatePart] = []
    var installing: JobID?
    var requestedAt: Instant

    init(shard: ShardIndex, term: ShardTerm, primary: ServerIndex, at now: Instant) {
        self.shard = shard
        self.term = term
        self.primary = primary
        requestedAt = now
    }

    /// Takes the next part; one of another version starts the filling anew.
    ///
    /// Returns whether it was the one that was asked for.
    mutating func take(_ fill: Fill) -> Bool {
        if fill.version != version {
            guard fill.part == 0 else { return false }
            version = fill.version
            partCount = fill.partCount
            parts = []
        }
        guard fill.part == UInt32(parts.count), fill.partCount == partCount else { return false }
        parts.append(
            StatePart(
                chunk: fill.chunk, section: fill.section, digest: fill.digest,
                payload: fill.payload))
        return true
    }

    var isComplete: Bool { version != nil && UInt32(parts.count) == partCount }
}
