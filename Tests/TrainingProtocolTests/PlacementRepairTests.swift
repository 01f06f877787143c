import Testing
import TrainingProtocol

@Suite("A placement follows the servers that come and go")
struct PlacementRepairTests {
    static func server(_ index: Int) -> Placement.Server {
        Placement.Server(
            index: ServerIndex(index), incarnation: Incarnation(high: 0, low: UInt64(10 + index)),
            endpoint: "e\(index)")
    }

    /// Shards under term 5 by their primary and backup, on servers 0 and up.
    static func placement(
        _ shards: [(primary: Int, backup: Int?)], serverCount: Int
    ) -> Placement {
        Placement(
            servers: (0..<serverCount).map(server),
            shards: shards.enumerated().map { index, copies in
                shard(index, 5, copies.primary, copies.backup)
            },
            shardOfChunk: shards.indices.map { ShardIndex($0) }, revision: 7, origin: 3)
    }

    static func shard(
        _ index: Int, _ term: UInt64, _ primary: Int, _ backup: Int?
    ) -> Placement.Shard {
        Placement.Shard(
            index: ShardIndex(index), term: ShardTerm(term), primary: ServerIndex(primary),
            backup: backup.map { ServerIndex($0) })
    }

    static func staying(_ servers: Int...) -> [Placement.Candidate] {
        servers.map { Placement.Candidate(server($0), .staying) }
    }

    static func leaving(_ servers: Int...) -> [Placement.Candidate] {
        servers.map { Placement.Candidate(server($0), .leaving) }
    }

    static func inSync(_ shards: Int...) -> [ShardIndex] { shards.map { ShardIndex($0) } }

    /// The changed shards; nil where nothing changes or the run goes back.
    static func shards(_ repair: Placement.Repair) -> [Placement.Shard]? {
        if case .changed(let placement) = repair { placement.shards } else { nil }
    }

    @Test func aBackupInSyncReplacesALostPrimaryUnderANewTerm() {
        let placement = Self.placement([(0, 1), (1, 2)], serverCount: 3)
        let repair = placement.repaired(Self.staying(1, 2), inSync: Self.inSync(0))
        #expect(Self.shards(repair) == [Self.shard(0, 6, 1, nil), Self.shard(1, 5, 1, 2)])
    }

    @Test func aLostPrimaryWithoutABackupInSyncSendsTheRunBack() {
        let backed = Self.placement([(0, 1)], serverCount: 2)
        #expect(backed.repaired(Self.staying(1), inSync: []) == .rollBack)
        let alone = Self.placement([(0, nil)], serverCount: 2)
        #expect(alone.repaired(Self.staying(1), inSync: []) == .rollBack)
    }

    @Test func bothCopiesLostSendTheRunBack() {
        let placement = Self.placement([(0, 1)], serverCount: 3)
        #expect(placement.repaired(Self.staying(2), inSync: Self.inSync(0)) == .rollBack)
    }

    @Test func aLostBackupLeavesItsPrimaryAloneUnderANewTerm() {
        let placement = Self.placement([(0, 1)], serverCount: 2)
        let repair = placement.repaired(Self.staying(0), inSync: Self.inSync(0))
        #expect(Self.shards(repair) == [Self.shard(0, 6, 0, nil)])
    }

    @Test func aBackupThatItsPrimaryCannotUseIsTakenAway() {
        let placement = Self.placement([(0, 1)], serverCount: 2)
        let repair = placement.repaired(
            Self.staying(0, 1), inSync: [], unbacked: Self.inSync(0))
        #expect(Self.shards(repair) == [Self.shard(0, 6, 0, nil)])
    }

    @Test func aLeavingServersShardsMoveToBackupsInSync() {
        let placement = Self.placement([(0, 1), (1, 0)], serverCount: 2)
        let candidates = Self.leaving(0) + Self.staying(1)
        let repair = placement.repaired(candidates, inSync: Self.inSync(0, 1))
        #expect(Self.shards(repair) == [Self.shard(0, 6, 1, nil), Self.shard(1, 6, 1, nil)])
    }

    @Test func aLeavingPrimaryStaysUntilItsBackupHasCaughtUp() {
        let placement = Self.placement([(0, 1)], serverCount: 2)
        let candidates = Self.leaving(0) + Self.staying(1)
        #expect(placement.repaired(candidates, inSync: []) == .unchanged)
    }

    @Test func aLeavingBackupStillReplacesALostPrimary() {
        let placement = Self.placement([(0, 1)], serverCount: 2)
        let repair = placement.repaired(Self.leaving(1), inSync: Self.inSync(0))
        #expect(Self.shards(repair) == [Self.shard(0, 6, 1, nil)])
    }

    @Test func aNewServerBacksWhatNobodyBacks() {
        let placement = Self.placement([(0, 1), (1, nil)], serverCount: 2)
        let candidates = Self.staying(0, 1, 2)
        let repair = placement.repaired(candidates, inSync: Self.inSync(0))
        guard case .changed(let next) = repair else {
            Issue.record("\(repair)")
            return
        }
        #expect(next.shards == [Self.shard(0, 5, 0, 1), Self.shard(1, 5, 1, 2)])
        #expect(next.servers == (0...2).map(Self.server))
        #expect(next.revision == 8 && next.origin == 3)
    }

    @Test func aLeavingServerBacksNothingNew() {
        let placement = Self.placement([(0, nil)], serverCount: 2)
        let candidates = Self.staying(0) + Self.leaving(1)
        #expect(placement.repaired(candidates, inSync: []) == .unchanged)
    }

    @Test func loadsAreBalancedOneStepAtATimeAndOnlyInSync() {
        let placement = Self.placement([(0, 1), (0, 1)], serverCount: 2)
        let candidates = Self.staying(0, 1)
        let repair = placement.repaired(candidates, inSync: Self.inSync(0, 1))
        #expect(Self.shards(repair) == [Self.shard(0, 6, 1, nil), Self.shard(1, 5, 0, 1)])
        #expect(placement.repaired(candidates, inSync: Self.inSync(0)) == .unchanged)
    }

    @Test func noCopyMovesWhileAServerMayBeGone() {
        let placement = Self.placement([(0, 1), (1, 0)], serverCount: 3)
        let doubtful = Placement.Candidate(Self.server(0), .doubtful)
        let candidates = [doubtful] + Self.staying(1, 2)
        #expect(placement.repaired(candidates, inSync: Self.inSync(0, 1)) == .unchanged)
    }

    @Test func copiesMoveToAServerThatHasNone() {
        let placement = Self.placement([(0, 1), (1, 0)], serverCount: 3)
        let repair = placement.repaired(Self.staying(0, 1, 2), inSync: Self.inSync(0, 1))
        #expect(Self.shards(repair) == [Self.shard(0, 6, 0, 2), Self.shard(1, 5, 1, 0)])
    }

    @Test func aPlacementThatFitsStaysAsItIs() {
        let placement = Self.placement([(0, 1), (1, 0)], serverCount: 2)
        let repair = placement.repaired(Self.staying(0, 1), inSync: Self.inSync(0, 1))
        #expect(repair == .unchanged)
    }

    @Test func aFreshPlacementBacksEachShardByTheNextServer() {
        let plan = Fixture.plan(slotCount: 2)
        let servers = [2, 0, 1].map(Self.server)
        let fresh = Placement.fresh(servers, plan.chunkPlan, term: ShardTerm(4), revision: 9)
        #expect(
            fresh.shards
                == [Self.shard(0, 4, 0, 1), Self.shard(1, 4, 1, 2), Self.shard(2, 4, 2, 0)])
        #expect(fresh.revision == 9 && fresh.origin == 9)
        let alone = Placement.fresh(
            [Self.server(0)], plan.chunkPlan, term: ShardTerm(1), revision: 1)
        #expect(alone.shards == [Self.shard(0, 1, 0, nil)])
    }
}
