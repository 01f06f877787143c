import Testing
import TrainingProtocol

@Suite("A journal is replayed to what its coordinators knew")
struct RecoveredRunTests {
    static func started(_ term: UInt64) -> JournalEntry {
        .started(
            run: Fixture.run, configurationHash: Fixture.configurationHash,
            coordinatorTerm: CoordinatorTerm(term))
    }

    /// Two servers; shard 0 under the term, led by server 0 and backed by 1.
    static func placed(revision: UInt64, term: UInt64) -> Placement {
        Placement(
            servers: [PlacementRepairTests.server(0), PlacementRepairTests.server(1)],
            shards: [
                PlacementRepairTests.shard(0, term, 0, 1), PlacementRepairTests.shard(1, 1, 1, 0),
            ], shardOfChunk: [ShardIndex(0), ShardIndex(1)], revision: revision, origin: 1)
    }

    static let checkpoint = CheckpointReference(
        version: Version(4), manifest: "m", hash: Fixture.configurationHash)

    @Test func theNewestFactOfEachKindHolds() {
        let recovered = RecoveredRun([
            Self.started(1), .numericsClass(NumericsClass("n")), .workersWanted(3),
            .placed(Self.placed(revision: 1, term: 1)), .checkpointCommitted(Self.checkpoint),
            .workersWanted(5), Self.started(2),
        ])
        #expect(recovered.run == Fixture.run)
        #expect(recovered.coordinatorTerm == CoordinatorTerm(2))
        #expect(recovered.numericsClass == NumericsClass("n"))
        #expect(recovered.placement?.revision == 1)
        #expect(recovered.lastCheckpoint == Self.checkpoint)
        #expect(recovered.workersWanted == 5)
    }

    @Test func aShardWhoseTermChangedIsNotInSyncAnyMore() {
        let recovered = RecoveredRun([
            Self.started(1), .placed(Self.placed(revision: 1, term: 1)),
            .backupsInSync([ShardIndex(0), ShardIndex(1)]),
            .placed(Self.placed(revision: 2, term: 2)),
        ])
        #expect(recovered.inSync == [ShardIndex(1)])
    }

    @Test func aRollBackHoldsFromThePlacementBehindIt() {
        let before: [JournalEntry] = [
            Self.started(1), .placed(Self.placed(revision: 1, term: 1)),
            .backupsInSync([ShardIndex(0)]), .rollingBack(Self.checkpoint),
        ]
        let undecided = RecoveredRun(before)
        #expect(undecided.rollBack?.target == Self.checkpoint)
        #expect(undecided.rollBack?.revision == 0, "nothing is placed yet")
        #expect(undecided.inSync == [])
        let decided = RecoveredRun(
            before + [
                .placed(Self.placed(revision: 2, term: 2)),
                .placed(Self.placed(revision: 3, term: 3)),
            ])
        #expect(decided.rollBack?.revision == 2)
    }

    @Test func aRunThatIsStartedAgainIsNotFinished() {
        let finished = RecoveredRun([Self.started(1), .finished(.stopped)])
        #expect(finished.outcome == .stopped)
        #expect(
            RecoveredRun([Self.started(1), .finished(.stopped), Self.started(2)]).outcome == nil)
    }
}
