/// One shard as its primary holds it.
struct ShardState: Sendable {
    struct KeptChunk: Sendable {
        /// At which the chunk last changed.
        let version: Version
        let payload: Frame
        let hash: Digest
    }

    struct ParkedPull: Sendable {
        let peer: Peer
        let pull: Pull
    }

    struct RunningCommit: Sendable {
        let job: JobID
        let step: Step
        let decision: Decision
        let trailer: Trailer
        let trailerContributions: [Contribution]
        /// By place among the step's chunks of this shard.
        let contributions: [[Contribution]]
        var committed: [CommittedChunk] = []
    }

    struct UnrecordedReport: Sendable {
        let commit: StepCommitted
        var sent: Instant
    }

    let index: ShardIndex
    let term: ShardTerm
    /// By id.
    let chunks: [ChunkID]
    var version: Version
    var stateHash: Digest
    /// By place in `chunks`, each by version, the newest last.
    var kept: [[KeptChunk]]
    var open: OpenStep?
    var commit: RunningCommit?
    /// In the order of arrival.
    var parked: [ParkedPull] = []
    /// By step; repeated until the coordinator has recorded them.
    var reports: [UnrecordedReport] = []
    /// Checkpoints ordered beyond the plan.
    var requestedCheckpoints: [Version] = []

    init(
        index: ShardIndex, term: ShardTerm, chunks: [ChunkID], loaded: LoadedShard,
        version: Version, plan: RunPlan
    ) {
        precondition(
            loaded.chunks.map(\.chunk) == chunks,
            "shard \(index) loaded chunks \(loaded.chunks.map(\.chunk)) instead of \(chunks)")
        self.index = index
        self.term = term
        self.chunks = chunks
        self.version = version
        stateHash = loaded.stateHash
        kept = loaded.chunks.map {
            let changed = plan.changedVersion(of: $0.chunk, at: version)
            return [KeptChunk(version: changed, payload: $0.payload, hash: $0.hash)]
        }
        openNextStep(plan)
    }

    /// Nothing backs this shard, so its own commit is durable.
    var durableThrough: Version { version }

    var status: ShardStatus {
        ShardStatus(
            shard: index, part: .primary, term: term, version: version,
            durableThrough: durableThrough, stateHash: stateHash)
    }

    mutating func openNextStep(_ plan: RunPlan) {
        guard version < plan.finalVersion else {
            open = nil
            return
        }
        let step = version.nextStep
        open = OpenStep(step: step, chunks: chunks.filter { plan.isTrained($0, at: step) })
    }

    /// What a pull comes to now.
    enum PullAnswer {
        case chunk(KeptChunk)
        case reached
        case parks
        case refused(PullRefused.Reason)
    }

    func answer(to pull: Pull, plan: RunPlan) -> PullAnswer {
        guard pull.version <= plan.finalVersion else { return .refused(.unknownVersion) }
        guard let chunk = pull.chunk else { return pull.version <= version ? .reached : .parks }
        guard let place = chunks.firstIndex(of: chunk) else { return .refused(.unknownChunk) }
        if let kept = kept[place].last(where: { $0.version == pull.version }) {
            return .chunk(kept)
        }
        guard plan.changedVersion(of: chunk, at: pull.version) == pull.version else {
            return .refused(.unknownVersion)
        }
        return pull.version <= version ? .refused(.dropped) : .parks
    }

    /// Remembers an unanswered pull; a repeated one counts once.
    mutating func park(_ pull: Pull, from peer: Peer) {
        parked.removeAll { $0.peer == peer && $0.pull.chunk == pull.chunk }
        parked.append(ParkedPull(peer: peer, pull: pull))
    }

    /// Takes out the parked pulls that `isDue` accepts, in forward order, then as they came.
    mutating func unpark(_ isDue: (Pull) -> Bool) -> [ParkedPull] {
        let due = parked.filter { isDue($0.pull) }
        parked.removeAll { isDue($0.pull) }
        return due.enumerated().sorted {
            let left = $0.element.pull.chunk?.index ?? -1
            let right = $1.element.pull.chunk?.index ?? -1
            return (left, $0.offset) < (right, $1.offset)
        }.map(\.element)
    }

    /// Makes a committed chunk readable before the whole step is.
    mutating func install(_ chunk: CommittedChunk, at version: Version) {
        guard let place = chunks.firstIndex(of: chunk.chunk) else {
            preconditionFailure("commit of chunk \(chunk.chunk), which shard \(index) lacks")
        }
        kept[place].append(
            KeptChunk(version: version, payload: chunk.payload, hash: chunk.hash))
    }

    /// Forgets what no uncommitted step of any shard can read: shards differ by at most one step.
    mutating func forgetVersions(before oldest: Version) {
        for place in kept.indices {
            let first = kept[place].lastIndex { $0.version <= oldest } ?? 0
            kept[place].removeFirst(first)
        }
    }

    func newest(_ chunk: ChunkID) -> KeptChunk {
        guard let place = chunks.firstIndex(of: chunk), let kept = kept[place].last else {
            preconditionFailure("shard \(index) holds nothing of chunk \(chunk)")
        }
        return kept
    }
}
