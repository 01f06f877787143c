/// What a coordinator knows of its run from the journal of its predecessors.
package struct RecoveredRun: Equatable, Sendable {
    package private(set) var run = RunID.none
    package private(set) var configurationHash: ContentHash?
    /// Of the last start.
    package private(set) var coordinatorTerm = CoordinatorTerm(0)
    package private(set) var numericsClass: NumericsClass?
    package private(set) var placement: Placement?
    /// The terms of all shards when they were last loaded from one source.
    package private(set) var firstTerm = ShardTerm(0)
    /// Shards whose backup may be promoted, by shard.
    package private(set) var inSync: [ShardIndex] = []
    package private(set) var lastCheckpoint: CheckpointReference?
    /// The newest roll-back, and the revision of the first placement behind it; 0 while that is
    /// not journaled.
    package private(set) var rollBack: (target: CheckpointReference, revision: UInt64)?
    package private(set) var workersWanted: Int?
    package private(set) var outcome: Finish.Outcome?

    /// Replays a journal; the order of its entries is that of the facts.
    package init(_ entries: [JournalEntry]) {
        for entry in entries { replay(entry) }
    }

    private mutating func replay(_ entry: JournalEntry) {
        switch entry {
        case .started(let run, let hash, let term):
            self.run = run
            configurationHash = hash
            #if !PLANTED_COORDINATOR_TERM_NOT_RAISED
                coordinatorTerm = term
            #endif
            outcome = nil
        case .placed(let next):
            #if !PLANTED_IN_SYNC_KEPT
                inSync = next.keptInSync(inSync, since: placement)
            #endif
            placement = next
            if next.origin == next.revision { firstTerm = next.highestTerm }
            if let rollBack, rollBack.revision == 0 {
                self.rollBack = (rollBack.target, next.revision)
            }
        case .numericsClass(let value): numericsClass = value
        case .backupsInSync(let shards): inSync = shards
        case .checkpointCommitted(let reference): lastCheckpoint = reference
        case .rollingBack(let target):
            rollBack = (target, 0)
            inSync = []
        case .workersWanted(let count): workersWanted = count
        case .finished(let outcome): self.outcome = outcome
        }
    }

    package static func == (left: RecoveredRun, right: RecoveredRun) -> Bool {
        left.run == right.run && left.configurationHash == right.configurationHash
            && left.coordinatorTerm == right.coordinatorTerm
            && left.numericsClass == right.numericsClass && left.placement == right.placement
            && left.firstTerm == right.firstTerm
            && left.inSync == right.inSync && left.lastCheckpoint == right.lastCheckpoint
            && left.rollBack?.target == right.rollBack?.target
            && left.rollBack?.revision == right.rollBack?.revision
            && left.workersWanted == right.workersWanted && left.outcome == right.outcome
    }
}

extension Placement {
    /// The shards that stay in sync across a change: those whose two copies and term are the same.
    func keptInSync(_ inSync: [ShardIndex], since old: Placement?) -> [ShardIndex] {
        guard let old, old.shards.count == shards.count else { return [] }
        return inSync.filter { old[$0] == self[$0] }
    }
}
