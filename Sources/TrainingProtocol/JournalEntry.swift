/// A fact that the coordinator must not forget; on disk before it is published.
package enum JournalEntry: Equatable, Sendable {
    case started(run: RunID, configurationHash: ContentHash, coordinatorTerm: CoordinatorTerm)
    case placed(Placement)
    case numericsClass(NumericsClass)
    /// Backups that hold their shards' state and may be promoted, by shard.
    case backupsInSync([ShardIndex])
    case checkpointCommitted(CheckpointReference)
    /// All shards go back to this checkpoint; the next placement says where to.
    case rollingBack(CheckpointReference)
    case workersWanted(Int)
    case finished(Finish.Outcome)
}
