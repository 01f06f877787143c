/// One shard as a server holds it, whether it leads the shard or backs it.
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

    /// What a server does for the shard.
    enum Part: Sendable {
        case primary(Replication?)
        case backup(Following)
    }

    let index: ShardIndex
    var term: ShardTerm
    /// By id.
    let chunks: [ChunkID]
    var part: Part
    var version: Version
    var stateHash: Digest
    /// By place in `chunks`, each by version, the newest last.
    var kept: [[KeptChunk]]
    /// The step to be committed next and those that a worker may have begun, as far as something
    /// has arrived.
    var open: [OpenStep] = []
    var commit: RunningCommit?
    /// In the order of arrival.
    var parked: [ParkedPull] = []
    /// By step; repeated by the primary, and kept by the backup, until the coordinator has recorded
    /// them.
    var reports: [UnrecordedReport] = []
    /// Checkpoints ordered beyond the plan.
    var requestedCheckpoints: [Version] = []

    init(
        index: ShardIndex, term: ShardTerm, chunks: [ChunkID], part: Part, loaded: LoadedShard,
        version: Version, plan: RunPlan
    ) {
        precondition(
            loaded.chunks.map(\.chunk) == chunks,
            "shard \(index) loaded chunks \(loaded.chunks.map(\.chunk)) instead of \(chunks)")
        self.index = index
        self.term = term
        self.chunks = chunks
        self.part = part
        self.version = version
        stateHash = loaded.stateHash
        kept = loaded.chunks.map { newest in
            let changed = plan.changedVersion(of: newest.chunk, at: version)
            return loaded.earlier.filter { $0.chunk == newest.chunk }.map {
                KeptChunk(version: $0.version, payload: $0.payload, hash: $0.hash)
            } + [KeptChunk(version: changed, payload: newest.payload, hash: newest.hash)]
        }
    }

    var isPrimary: Bool { if case .primary = part { true } else { false } }

    var replication: Replication? {
        get { if case .primary(let replication) = part { replication } else { nil } }
        set { part = .primary(newValue) }
    }

    var following: Following? {
        get { if case .backup(let following) = part { following } else { nil } }
        set { if let newValue { part = .backup(newValue) } }
    }

    /// What a backup in sync has acknowledged; without one, the shard's own commit is durable.
    var durableThrough: Version {
        #if PLANTED_OWN_COMMIT_IS_DURABLE
            return version
        #else
            guard let replication, replication.stage == .synchronous else { return version }
            return replication.acknowledged ?? version
        #endif
    }

    var status: ShardStatus {
        ShardStatus(
            shard: index, part: isPrimary ? .primary : .backup, term: term, version: version,
            durableThrough: durableThrough, stateHash: stateHash)
    }

    /// The place of an open step, opened by the first word of it; nil where the shard is not there
    /// yet, or past it.
    mutating func openStep(_ step: Step, plan: RunPlan) -> Int? {
        #if PLANTED_CONFUSED_STEPS
            if !open.isEmpty { return 0 }
        #endif
        if let place = open.firstIndex(where: { $0.step == step }) { return place }
        // A step may be begun `lag` steps early; a backup that was promoted lacks one more.
        guard version.index <= step.index, step.index <= version.index + plan.lag + 1,
            step.index < plan.stepCount
        else { return nil }
        let chunks = chunks.filter { plan.isTrained($0, at: step) }
        let place = open.firstIndex { step < $0.step } ?? open.count
        open.insert(OpenStep(step: step, chunks: chunks), at: place)
        return place
    }

    // MARK: Pulls

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

    // MARK: Versions

    /// Makes a committed chunk readable before the whole step is.
    mutating func install(_ chunk: CommittedChunk, at version: Version) {
        guard let place = chunks.firstIndex(of: chunk.chunk) else {
            preconditionFailure("commit of chunk \(chunk.chunk), which shard \(index) lacks")
        }
        kept[place].append(
            KeptChunk(version: version, payload: chunk.payload, hash: chunk.hash))
    }

    /// Forgets what no step that may still be computed can read.
    mutating func forgetVersions(before oldest: Version) {
        for place in kept.indices {
            let first = kept[place].lastIndex { $0.version <= oldest } ?? 0
            kept[place].removeFirst(first)
        }
    }

    /// What the steps to come read beside the newest values: by chunk, the oldest version first.
    func earlier(plan: RunPlan) -> [EarlierChunk] {
        zip(chunks, kept).flatMap { chunk, kept in
            plan.earlierVersions(of: chunk, at: version).map { wanted in
                guard let kept = kept.first(where: { $0.version == wanted }) else {
                    preconditionFailure(
                        "shard \(index) at \(version) lacks version \(wanted) of chunk \(chunk)")
                }
                return EarlierChunk(
                    chunk: chunk, version: wanted, payload: kept.payload, hash: kept.hash)
            }
        }
    }

    func newest(_ chunk: ChunkID) -> KeptChunk {
        guard let place = chunks.firstIndex(of: chunk), let kept = kept[place].last else {
            preconditionFailure("shard \(index) holds nothing of chunk \(chunk)")
        }
        return kept
    }
}
