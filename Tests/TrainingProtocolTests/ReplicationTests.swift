import Testing
import TrainingProtocol

@Suite("A primary and its backup")
struct ReplicationTests {
    static let coordinator = Fixture.header(.coordinator, 1)
    static let primary = Peer.server(ServerIndex(0))
    static let backup = Peer.member(Incarnation(high: 0, low: 11))

    /// One shard with all chunks, led by server 0 under the term unless it says otherwise.
    static func placement(
        term: UInt64 = 1, primary: Int = 0, backup: Int? = 1, revision: UInt64 = 1,
        origin: UInt64 = 1, servers: [Int] = [0, 1]
    ) -> Placement {
        let plan = Fixture.plan(slotCount: 1)
        return Placement(
            servers: servers.map(PlacementRepairTests.server),
            shards: [PlacementRepairTests.shard(0, term, primary, backup)],
            shardOfChunk: Placement.balanced(plan.chunkPlan, shardCount: 1), revision: revision,
            origin: origin)
    }

    static func welcome(
        _ server: Int, _ placement: Placement, source: LoadSource = .checkpoint(checkpoint),
        lag: UInt64 = 0, startVersion: Version = .initial
    ) -> MessageBody {
        .welcome(
            Welcome(
                member: MemberID(UInt32(1 + server)), server: ServerIndex(server),
                configuration: Fixture.configuration, configurationHash: Fixture.configurationHash,
                plan: Fixture.plan(slotCount: 1, lag: lag), placement: placement, source: source,
                startVersion: startVersion, numericsClass: NumericsClass("n"),
                numericsPolicy: .strict))
    }

    static let checkpoint = CheckpointReference(
        version: .initial, manifest: "m", hash: Fixture.configurationHash)

    static let loaded = LoadedShard(
        chunks: Fixture.plan(slotCount: 1).chunkPlan.chunks.map {
            CommittedChunk(chunk: $0.id, payload: Frame(floats: [0, 0]), hash: Digest(0))
        }, stateHash: Digest(100))

    /// A server that was welcomed to the placement and has loaded the checkpoint.
    static func serving(_ server: Int, _ placement: Placement) -> Stage<ServerMachine> {
        var stage = joining(server)
        let effects = stage.receive(
            welcome(server, placement), coordinator, from: .coordinator)
        for (id, job) in effects.jobs {
            guard case .load = job else { continue }
            _ = stage.handle(.finished(id, .loaded(loaded)))
        }
        return stage
    }

    static func joining(_ server: Int) -> Stage<ServerMachine> {
        var stage = Stage(
            ServerMachine(
                identity: Fixture.identity(UInt64(10 + server)), advertisedEndpoint: "e\(server)",
                configurationHash: nil, limits: Limits()))
        _ = stage.handle(.started)
        return stage
    }

    static func acknowledge(
        _ version: UInt64, hash: UInt64, to stage: inout Stage<ServerMachine>, term: UInt64 = 1
    ) -> [Effect] {
        let acknowledged = ReplicaAcknowledged(
            shard: ShardIndex(0), version: Version(version), stateHash: Digest(hash))
        return stage.receive(
            .replicaAcknowledged(acknowledged), Fixture.header(.server, 11, shardTerm: term),
            from: backup)
    }

    /// A primary whose backup has loaded the same checkpoint.
    static func synchronous() -> Stage<ServerMachine> {
        var stage = serving(0, placement())
        let effects = acknowledge(0, hash: 100, to: &stage)
        #expect(synchronousBackup(effects) == ServerIndex(1))
        return stage
    }

    static func synchronousBackup(_ effects: [Effect]) -> ServerIndex? {
        for case .serverProgress(let progress) in effects.bodies {
            return progress.synchronousBackup
        }
        return nil
    }

    /// Delivers the only slot of step 0 or 1, which train chunk 2.
    static func contribute(
        _ step: UInt64, to stage: inout Stage<ServerMachine>, term: UInt64 = 1
    ) -> [Effect] {
        let header = Fixture.header(.worker, 5, shardTerm: term)
        let worker = ServerMachineTests.worker
        var effects = stage.receive(ServerMachineTests.push(0, 1, step: step), header, from: worker)
        for (id, job) in effects.jobs {
            guard case .inspect = job else { continue }
            effects += stage.handle(.finished(id, .inspected(.sound)))
        }
        let trailer = ServerMachineTests.trailer(0, 1, Fixture.trailer(slots: 1), step: step)
        return effects + stage.receive(trailer, header, from: worker)
    }

    static func commits(_ effects: [Effect]) -> [(id: JobID, job: CommitJob)] {
        effects.jobs.compactMap { if case .commit(let job) = $0.job { ($0.id, job) } else { nil } }
    }

    static let root = ChunkRoot(
        chunk: ChunkID(2), digest: Digest(5), payload: Frame(floats: [1, 2]))

    static func finish(
        _ job: JobID, hash: UInt64, _ stage: inout Stage<ServerMachine>
    ) -> [Effect] {
        let chunk = CommittedChunk(
            chunk: ChunkID(2), payload: Frame(floats: [3, 4]), hash: Digest(1))
        let result = CommitResult(
            chunks: [chunk], stateHash: Digest(hash), learningRate: 0.1, roots: [root])
        return stage.handle(.finished(job, .committed(result)))
    }

    static func durable(_ effects: [Effect]) -> [Version] {
        effects.bodies.compactMap {
            switch $0 {
            case .pushAcknowledged(let push): push.durableThrough
            case .stepCommitted(let commit): commit.durableThrough
            default: nil
            }
        }
    }

    // MARK: Streaming

    @Test func aCommitGoesToTheBackupAsRootsAndADecision() {
        var stage = Self.synchronous()
        let commit = Self.commits(Self.contribute(0, to: &stage))
        #expect(commit[0].job.roots == .wanted)
        let done = Self.finish(commit[0].id, hash: 101, &stage)
        #expect(done.kinds == ["step committed", "root replicated", "decision replicated"])
        for case .send(let message, let peer) in done where peer == Self.backup {
            #expect(message.header.shardTerm == ShardTerm(1))
        }
    }

    @Test func aPrimaryStaysAtMostOneStepAheadOfItsBackup() {
        var stage = Self.synchronous()
        let first = Self.commits(Self.contribute(0, to: &stage))
        _ = Self.finish(first[0].id, hash: 101, &stage)
        #expect(Self.commits(Self.contribute(1, to: &stage)).isEmpty, "version 1 is not there yet")
        let acknowledged = Self.acknowledge(1, hash: 101, to: &stage)
        #expect(Self.commits(acknowledged).map(\.job.step) == [Step(1)])
    }

    @Test func whatTheBackupHasNotAcknowledgedIsNotDurable() {
        var stage = Self.synchronous()
        let commit = Self.commits(Self.contribute(0, to: &stage))
        let done = Self.finish(commit[0].id, hash: 101, &stage)
        #expect(Self.durable(done) == [Version(0)])
        #expect(Self.durable(Self.contribute(1, to: &stage)) == [Version(0)])
        _ = Self.acknowledge(1, hash: 101, to: &stage)
        let again = Self.contribute(1, to: &stage)
        #expect(Self.durable(again) == [Version(1)])
    }

    @Test func aShardWithoutABackupIsDurableByItsOwnCommit() {
        var stage = Self.serving(0, Self.placement(backup: nil))
        let commit = Self.commits(Self.contribute(0, to: &stage))
        #expect(commit[0].job.roots == .unused)
        #expect(Self.durable(Self.finish(commit[0].id, hash: 101, &stage)) == [Version(1)])
    }

    @Test func aBackupWhoseStateDiffersIsGivenUp() {
        var stage = Self.synchronous()
        let commit = Self.commits(Self.contribute(0, to: &stage))
        _ = Self.finish(commit[0].id, hash: 101, &stage)
        let effects = Self.acknowledge(1, hash: 999, to: &stage)
        #expect(
            effects.observations == [
                .copiesDisagree(ShardIndex(0), backup: ServerIndex(1), version: Version(1))
            ])
        let lost = BackupLost(shard: ShardIndex(0), backup: ServerIndex(1), version: Version(1))
        #expect(effects.bodies == [.backupLost(lost)])
        #expect(Self.commits(Self.contribute(1, to: &stage)).isEmpty, "not without a word")
        let alone = Self.placement(term: 2, backup: nil, revision: 2)
        let freed = stage.receive(
            .placementChanged(alone), Self.coordinator, from: .coordinator)
        #expect(Self.commits(freed).map(\.job.step) == [Step(1)])
    }

    @Test func aSilentBackupIsReportedAndWaitedForUntilTheCoordinatorAnswers() {
        var stage = Self.synchronous()
        let commit = Self.commits(Self.contribute(0, to: &stage))
        _ = Self.finish(commit[0].id, hash: 101, &stage)
        stage.milliseconds = Limits().silenceMilliseconds + 1
        #expect(stage.handle(.timerFired(.tick)).kinds.contains("backup lost"))
        #expect(Self.commits(Self.contribute(1, to: &stage)).isEmpty)
    }

    @Test func whatABackupHasNotAcknowledgedIsSentAgain() {
        var stage = Self.synchronous()
        let commit = Self.commits(Self.contribute(0, to: &stage))
        _ = Self.finish(commit[0].id, hash: 101, &stage)
        stage.milliseconds = Limits().retryMilliseconds
        let kinds = stage.handle(.timerFired(.tick)).kinds
        #expect(kinds.contains("root replicated") && kinds.contains("decision replicated"))
    }

    // MARK: Filling

    static func part(_ index: Int) -> StatePart {
        StatePart(
            chunk: ChunkID(0), section: "s\(index)", digest: Digest(UInt64(index)),
            payload: Frame(floats: [Float(index)]))
    }

    static func request(
        _ nextPart: UInt32, to stage: inout Stage<ServerMachine>
    ) -> [Effect] {
        stage.receive(
            .fillRequested(FillRequested(shard: ShardIndex(0), nextPart: nextPart)),
            Fixture.header(.server, 11), from: backup)
    }

    static func fill(_ part: UInt32, of count: UInt32 = 2) -> MessageBody {
        let content = Self.part(Int(part))
        return .fill(
            Fill(
                shard: ShardIndex(0), version: .initial, part: part, partCount: count,
                chunk: content.chunk, section: content.section, digest: content.digest,
                payload: content.payload))
    }

    @Test func aPrimaryFillsANewBackupPartByPart() {
        var stage = Self.serving(0, Self.placement(backup: nil, servers: [0]))
        _ = stage.receive(
            .placementChanged(Self.placement(revision: 2)), Self.coordinator, from: .coordinator)
        let collect = Self.request(0, to: &stage)
        guard case .collect(let job)? = collect.jobs.first?.job else {
            Issue.record("nothing is collected: \(collect)")
            return
        }
        #expect(job.version == .initial)
        let parts = [Self.part(0), Self.part(1)]
        let first = stage.handle(.finished(collect.jobs[0].id, .collected(parts)))
        #expect(first.bodies == [Self.fill(0)])
        #expect(Self.request(1, to: &stage).bodies == [Self.fill(1)])
        let commit = Self.commits(Self.contribute(0, to: &stage))
        #expect(commit.count == 1, "a backup that is being filled holds nothing up")
    }

    @Test func aFilledBackupIsInSyncOnceNoStepBeforeCanBeComputedAgain() {
        var stage = Self.serving(0, Self.placement(backup: nil, servers: [0]))
        let commit = Self.commits(Self.contribute(0, to: &stage))
        _ = Self.finish(commit[0].id, hash: 101, &stage)
        _ = stage.receive(
            .placementChanged(Self.placement(revision: 2)), Self.coordinator, from: .coordinator)
        let collect = Self.request(0, to: &stage)
        _ = stage.handle(.finished(collect.jobs[0].id, .collected([Self.part(0)])))
        #expect(Self.synchronousBackup(Self.acknowledge(1, hash: 101, to: &stage)) == nil)
        func hear(durable: UInt64, recorded: UInt64) -> ServerIndex? {
            let heartbeat = Heartbeat(
                activity: .serving, finishedSlots: 0, leases: [],
                durableThrough: Version(durable), recordedThrough: Version(recorded),
                placementRevision: 2)
            return Self.synchronousBackup(
                stage.receive(.heartbeat(heartbeat), Self.coordinator, from: .coordinator))
        }
        #expect(hear(durable: 1, recorded: 0) == nil, "its report would be lost")
        #expect(
            hear(durable: 0, recorded: 1) == nil,
            "another shard may go on from version 0, and step 0 read what was not filled in")
        #expect(hear(durable: 1, recorded: 1) == ServerIndex(1))
    }

    /// A server that joins late, as the shard's backup.
    static func filling() -> Stage<ServerMachine> {
        var stage = joining(1)
        let late = welcome(1, placement(revision: 2), source: .primary)
        let effects = stage.receive(late, coordinator, from: .coordinator)
        #expect(effects.jobs.isEmpty && effects.contains(.connect(primary, endpoint: "e0")))
        return stage
    }

    static func requests(_ effects: [Effect]) -> [UInt32] {
        effects.bodies.compactMap {
            if case .fillRequested(let request) = $0 { request.nextPart } else { nil }
        }
    }

    @Test func aNewBackupAsksForOnePartAfterTheOtherUntilItHasAll() {
        var stage = Self.filling()
        stage.milliseconds = Limits().heartbeatIntervalMilliseconds
        #expect(Self.requests(stage.handle(.timerFired(.tick))) == [0])
        let server = Fixture.header(.server, 10)
        #expect(Self.requests(stage.receive(Self.fill(0), server, from: Self.primary)) == [1])
        let again = stage.receive(Self.fill(0), server, from: Self.primary)
        #expect(again.isEmpty, "a part that came twice")
        let complete = stage.receive(Self.fill(1), server, from: Self.primary)
        guard case .install(let job)? = complete.jobs.first?.job else {
            Issue.record("nothing is installed: \(complete)")
            return
        }
        #expect(job.parts == [Self.part(0), Self.part(1)])
        let done = stage.handle(.finished(complete.jobs[0].id, .loaded(Self.loaded)))
        #expect(done.observations == [.filled(ShardIndex(0), version: .initial)])
        let acknowledged = ReplicaAcknowledged(
            shard: ShardIndex(0), version: .initial, stateHash: Digest(100))
        #expect(done.bodies == [.replicaAcknowledged(acknowledged)])
    }

    @Test func aDamagedFillIsAskedForAgainFromItsStart() {
        var stage = Self.filling()
        let server = Fixture.header(.server, 10)
        _ = stage.receive(Self.fill(0), server, from: Self.primary)
        let complete = stage.receive(Self.fill(1), server, from: Self.primary)
        let failure = JobFailure(kind: .computation, explanation: "damaged parts")
        let failed = stage.handle(.finished(complete.jobs[0].id, .failed(failure)))
        #expect(Self.requests(failed) == [0] && failed.termination == nil)
    }

    // MARK: Following

    static let decision = DecisionReplicated(
        commit: StepCommitted(
            shard: ShardIndex(0), step: Step(0), decision: .apply,
            trailer: Fixture.trailer(slots: 1), trailerContributions: [],
            chunks: [.init(chunk: ChunkID(2), hash: Digest(1), contributions: [])],
            stateHash: Digest(101), learningRate: 0.1, durableThrough: .initial))

    /// Sends a backup what it needs for step 0; returns its commit job.
    static func replicate(_ stage: inout Stage<ServerMachine>) -> [Effect] {
        let header = Fixture.header(.server, 10)
        let replicated = RootReplicated(
            shard: ShardIndex(0), step: Step(0), chunk: root.chunk, digest: root.digest,
            payload: root.payload)
        let early = stage.receive(.decisionReplicated(decision), header, from: primary)
        #expect(early.isEmpty, "its roots are not here")
        return stage.receive(.rootReplicated(replicated), header, from: primary)
    }

    @Test func aBackupAcknowledgesACommitWhenItHasRepeatedIt() {
        var stage = Self.serving(1, Self.placement())
        let effects = Self.replicate(&stage)
        #expect(effects.bodies.isEmpty, "not before it is applied")
        let commit = Self.commits(effects)
        #expect(
            commit[0].job.chunks[0].nodes == [
                .init(node: SlotRange(0, 1), payload: Self.root.payload)
            ])
        let done = Self.finish(commit[0].id, hash: 101, &stage)
        let acknowledged = ReplicaAcknowledged(
            shard: ShardIndex(0), version: Version(1), stateHash: Digest(101))
        #expect(done.bodies == [.replicaAcknowledged(acknowledged)])
    }

    @Test func aBackupThatComputedAnotherStateThrowsItAwayAndAsksForAnother() {
        var stage = Self.serving(1, Self.placement())
        let commit = Self.commits(Self.replicate(&stage))
        let done = Self.finish(commit[0].id, hash: 999, &stage)
        #expect(
            done.observations == [
                .copiesDisagree(ShardIndex(0), backup: ServerIndex(1), version: Version(1))
            ])
        #expect(done.jobs.map(\.job) == [.drop(ShardIndex(0))])
        #expect(Self.requests(done) == [0])
    }

    // MARK: Promotion

    static let promotion = placement(
        term: 2, primary: 1, backup: nil, revision: 2, servers: [1])

    @Test func aBackupIsPromotedBetweenTwoCommits() {
        var stage = Self.serving(1, Self.placement())
        let commit = Self.commits(Self.replicate(&stage))
        let told = stage.receive(
            .placementChanged(Self.promotion), Self.coordinator, from: .coordinator)
        #expect(told.observations.isEmpty, "a commit is running")
        let done = Self.finish(commit[0].id, hash: 101, &stage)
        #expect(
            done.observations.contains(
                .promoted(ShardIndex(0), term: ShardTerm(2), version: Version(1))))
        #expect(done.kinds.contains("step committed"), "the old primary may not have told it")
        #expect(done.kinds.contains("server progress"))
    }

    @Test func aPromotedBackupRefusesTheOldTerm() {
        var stage = Self.serving(1, Self.placement())
        let promoted = stage.receive(
            .placementChanged(Self.promotion), Self.coordinator, from: .coordinator)
        #expect(
            promoted.observations == [
                .promoted(ShardIndex(0), term: ShardTerm(2), version: .initial)
            ])
        let push = stage.receive(
            ServerMachineTests.push(0, 1), Fixture.header(.worker, 5),
            from: ServerMachineTests.worker)
        #expect(ServerMachineTests.outcomes(push) == [.shardTerm] && push.jobs.isEmpty)
        let pull = Pull(shard: ShardIndex(0), chunk: ChunkID(2), version: .initial)
        let refused = stage.receive(
            .pull(pull), Fixture.header(.worker, 5), from: ServerMachineTests.worker)
        #expect(refused.kinds == ["pull refused"])
        #expect(Self.replicate(&stage).isEmpty, "the old primary is not followed")
    }

    @Test func aServerThatThePlacementDoesNotNameAnyMoreEnds() {
        var stage = Self.synchronous()
        let effects = stage.receive(
            .placementChanged(Self.promotion), Self.coordinator, from: .coordinator)
        guard case .refused(let refusal)? = effects.termination else {
            Issue.record("it goes on: \(effects)")
            return
        }
        #expect(refusal.code == .declaredLost)
    }

    // MARK: Roll-back

    @Test func aRollBackForgetsEverythingBeforeItLoads() {
        var stage = Self.synchronous()
        let commit = Self.commits(Self.contribute(0, to: &stage))
        let back = Self.placement(term: 3, backup: nil, revision: 4, origin: 4)
        let target = RollBack(target: Self.checkpoint, placement: back)
        let effects = stage.receive(.rollBack(target), Self.coordinator, from: .coordinator)
        guard case .drop(ShardIndex(0))? = effects.jobs.first?.job,
            case .load(let load)? = effects.jobs.last?.job
        else {
            Issue.record("\(effects.jobs)")
            return
        }
        #expect(load.source == .checkpoint(Self.checkpoint))
        #expect(Self.finish(commit[0].id, hash: 101, &stage).isEmpty, "the commit is of the past")
        let unheard = stage.receive(
            ServerMachineTests.push(0, 1), Fixture.header(.worker, 5, shardTerm: 3),
            from: ServerMachineTests.worker)
        #expect(unheard.isEmpty, "it repeats itself when the shard is loaded")
        let ready = stage.handle(.finished(effects.jobs[1].id, .loaded(Self.loaded)))
        #expect(ready.kinds.first == "server ready")
        #expect(Self.commits(Self.contribute(0, to: &stage, term: 3)).count == 1)
    }

    @Test func aServerThatTheRollBackDoesNotCountOnWaits() {
        var stage = Self.synchronous()
        let back = Self.placement(
            term: 3, primary: 1, backup: nil, revision: 4, origin: 4, servers: [1])
        let target = RollBack(target: Self.checkpoint, placement: back)
        let effects = stage.receive(.rollBack(target), Self.coordinator, from: .coordinator)
        #expect(effects.isEmpty)
    }

    // MARK: A new coordinator

    @Test func aCoordinatorOfAHigherTermMakesAServerGreetAgainWithWhatItHolds() {
        var stage = Self.synchronous()
        let effects = stage.receive(
            .heartbeat(.plain(.serving)),
            Header(
                protocolVersion: Header.currentProtocolVersion, run: Fixture.run,
                role: .coordinator, incarnation: Incarnation(high: 0, low: 2),
                coordinatorTerm: CoordinatorTerm(2), shardTerm: ShardTerm(0)),
            from: .coordinator)
        guard case .greeting(let greeting)? = effects.bodies.first else {
            Issue.record("no greeting in \(effects)")
            return
        }
        #expect(greeting.server == ServerIndex(0) && greeting.placementRevision == 1)
        #expect(greeting.shards.map(\.part) == [.primary])
        let old = stage.receive(
            .finish(Finish(outcome: .stopped, explanation: "")), Self.coordinator,
            from: .coordinator)
        #expect(old.termination != nil, "the greeting alone does not change whom it obeys")
    }
}
