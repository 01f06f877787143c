/// What a machine tells whoever watches it: logs, metrics and the ledger are made of these.
package enum Observation: Equatable, Sendable {
    case joined(MemberID, role: Role, host: String, processID: UInt32)
    case left(MemberID, role: Role, Departure)
    case refused(Role, Refusal)
    /// The run mixes numerics classes and its bits depend on who computed what.
    case looseNumerics(NumericsClass, expected: NumericsClass)
    case waiting(Wait)
    case trainingStarted(Version, workers: Int)
    case leased(Lease, to: MemberID)
    case leaseReturned(Lease, by: MemberID, LeaseReturned.Reason, explanation: String)
    /// All shards have committed a step.
    case stepCommitted(StepRecord)
    /// A committed step changed nothing: this slot, the lowest of its kind, is not finite.
    case stepSkipped(Step, slot: Int)
    case checkpointStarted(Version)
    case checkpointCommitted(CheckpointReference)
    case checkpointFailed(Version, explanation: String)
    /// Two payloads or trailers of one node differ although they should be equal to the bit.
    case attemptsDisagree(step: Step, node: SlotRange, chunk: ChunkID?, [Attempt])
    case contributionRefused(step: Step, node: SlotRange, ContributionOutcome, from: Peer)
    case messageIgnored(kind: String, from: Peer, why: Ignored)
    case stopping(at: Version)
    /// A backup leads its shard from now on.
    case promoted(ShardIndex, term: ShardTerm, version: Version)
    /// A new backup holds its shard's state.
    case filled(ShardIndex, version: Version)
    /// Primary and backup have run the same update and differ.
    case copiesDisagree(ShardIndex, backup: ServerIndex, version: Version)
    case placementChanged(Placement)
    /// Backups that may be promoted, by shard.
    case backupsInSync([ShardIndex])
    case rolledBack(to: CheckpointReference)
    /// A coordinator that was started again has found its run.
    case resumed(CoordinatorTerm, at: Version)
    /// A worker is late with a node, and another computes it too.
    case speculated(Lease, to: MemberID, late: MemberID)
    case workersWanted(Int)

    package enum Departure: Equatable, Sendable {
        case drained
        case disconnected
        case silent(milliseconds: UInt64)
        case failed(String)
    }

    package enum Ignored: Equatable, Sendable {
        case otherRun
        case oldTerm
        case unknownSender
        case notExpected
    }
}

/// One thing that a machine waits for, and who is missing.
package enum Wait: Equatable, Sendable {
    case servers(present: Int, wanted: Int)
    case workers(present: Int, wanted: Int)
    case welcome
    case ready([ServerIndex])
    case step(Step, missing: [MissingSlots])
    case version(Version, from: [ServerIndex])
    case acknowledgements(Int, from: [ServerIndex])
    case checkpoint(Version, missing: [ShardIndex])
    case goodbyes([MemberID])
}

/// Slots of a step that some shard lacks, and who holds their leases.
package struct MissingSlots: Equatable, Sendable {
    package let range: SlotRange
    package let holders: [MemberID]

    package init(range: SlotRange, holders: [MemberID]) {
        self.range = range
        self.holders = holders
    }
}

/// A step that every shard has committed.
package struct StepRecord: Equatable, Sendable {
    package let step: Step
    package let decision: Decision
    /// Of the root: sums over the V slots.
    package let trailer: Trailer
    /// Every shard's report, by shard.
    package let shards: [StepCommitted]
    /// Who computed the accepted trailers, by slot range.
    package let workers: [(node: SlotRange, member: MemberID)]
    package let workerCount: Int
    package let durableThrough: Version
    /// From the commit before it on the last shard to its own.
    package let elapsedMilliseconds: UInt64

    package init(
        step: Step, decision: Decision, trailer: Trailer, shards: [StepCommitted],
        workers: [(node: SlotRange, member: MemberID)], workerCount: Int, durableThrough: Version,
        elapsedMilliseconds: UInt64
    ) {
        self.step = step
        self.decision = decision
        self.trailer = trailer
        self.shards = shards
        self.workers = workers
        self.workerCount = workerCount
        self.durableThrough = durableThrough
        self.elapsedMilliseconds = elapsedMilliseconds
    }

    package static func == (left: StepRecord, right: StepRecord) -> Bool {
        left.step == right.step && left.decision == right.decision
            && left.trailer == right.trailer && left.shards == right.shards
            && left.workers.elementsEqual(right.workers, by: ==)
            && left.workerCount == right.workerCount
            && left.durableThrough == right.durableThrough
            && left.elapsedMilliseconds == right.elapsedMilliseconds
    }
}
