import Simulation
import Testing
import TrainingProtocol

/// The plan's phases: steps 0 and 1 train chunk 2; steps 2 to 4 train chunks 0, 1 and 3.
@Suite("A step reads the version of k commits ago")
struct LagTests {
    // MARK: The plan

    static let versionsRead: [(lag: UInt64, versions: [UInt64])] = [
        (0, [0, 1, 2, 3, 4]), (1, [0, 0, 2, 2, 3]), (2, [0, 0, 2, 2, 2]),
    ]

    @Test(arguments: versionsRead)
    func noStepReadsAVersionOfAnEarlierPhase(lag: UInt64, versions: [UInt64]) {
        let plan = Fixture.plan(slotCount: 1, lag: lag)
        #expect((0..<5).map { plan.readVersion(of: Step($0)).index } == versions)
    }

    @Test func aChunkIsReadAtTheVersionAtWhichItLastChanged() {
        let plan = Fixture.plan(slotCount: 1, lag: 1)
        #expect(plan.requiredVersion(of: ChunkID(0), at: Step(3)) == Version(0), "as of version 2")
        #expect(plan.requiredVersion(of: ChunkID(0), at: Step(4)) == Version(3))
        #expect(plan.requiredVersion(of: ChunkID(2), at: Step(4)) == Version(2))
    }

    @Test func theStateHoldsTheOlderVersionsThatStepsToComeRead() {
        func earlier(_ chunk: Int, at version: UInt64, lag: UInt64) -> [UInt64] {
            Fixture.plan(slotCount: 1, lag: lag)
                .earlierVersions(of: ChunkID(chunk), at: Version(version)).map(\.index)
        }
        #expect(earlier(0, at: 4, lag: 0) == [])
        #expect(earlier(0, at: 4, lag: 1) == [3])
        #expect(earlier(0, at: 4, lag: 2) == [0, 3])
        #expect(earlier(2, at: 4, lag: 2) == [], "it is frozen")
        #expect(earlier(2, at: 1, lag: 2) == [0])
        #expect(earlier(2, at: 2, lag: 2) == [], "a phase begins at its own first version")
        #expect(earlier(0, at: 5, lag: 2) == [], "no step is to come")
    }

    // MARK: Coordinator

    @Test(arguments: [UInt64(0), 1, 2]) func soManyMoreStepsAreLeased(lag: UInt64) {
        var stage = CoordinatorMachineTests.secured(slotCount: 2, lag: lag)
        _ = CoordinatorMachineTests.greet(&stage, .worker, 20)
        let leases = CoordinatorMachineTests.leases(CoordinatorMachineTests.beat(&stage, 20))
        #expect(leases.count == Int(2 + lag))
    }

    // MARK: Server

    /// A server that leads the only shard of a run with lag 1, or what else is given.
    static func serving(
        _ server: Int = 0, _ placement: Placement = ReplicationTests.placement(backup: nil),
        lag: UInt64 = 1, at version: Version = .initial, earlier: [EarlierChunk] = []
    ) -> Stage<ServerMachine> {
        var stage = ReplicationTests.joining(server)
        let welcome = ReplicationTests.welcome(
            server, placement, lag: lag, startVersion: version)
        let effects = stage.receive(welcome, ReplicationTests.coordinator, from: .coordinator)
        let loaded = LoadedShard(
            chunks: ReplicationTests.loaded.chunks, earlier: earlier, stateHash: Digest(100))
        _ = stage.handle(.finished(effects.jobs[0].id, .loaded(loaded)))
        return stage
    }

    static func pull(
        _ chunk: Int, _ version: UInt64, from stage: inout Stage<ServerMachine>, term: UInt64 = 1
    ) -> Frame? {
        let pull = Pull(
            shard: ShardIndex(0), chunk: ChunkID(chunk), version: Version(version))
        let answer = stage.receive(
            .pull(pull), Fixture.header(.worker, 5, shardTerm: term),
            from: ServerMachineTests.worker)
        guard case .parameters(let parameters)? = answer.bodies.first else { return nil }
        return parameters.payload
    }

    /// Commits a step whose parameters become its result's number; returns what came of it.
    static func commit(_ step: UInt64, _ stage: inout Stage<ServerMachine>) -> [Effect] {
        let plan = Fixture.plan(slotCount: 1, lag: 1)
        let chunks = plan.chunksTrained(at: Step(step))
        let reads = plan.readVersion(of: Step(step)).index
        for chunk in chunks {
            let push = ServerMachineTests.push(0, 1, step: step, chunk: chunk.index, reads: reads)
            _ = ServerMachineTests.deliver(push, to: &stage)
        }
        let trailer = ServerMachineTests.trailer(
            0, 1, Fixture.trailer(slots: 1), step: step, reads: reads)
        let effects = ServerMachineTests.deliver(trailer, to: &stage)
        return finish(effects.jobs[0].id, Step(step), &stage)
    }

    static func finish(
        _ job: JobID, _ step: Step, _ stage: inout Stage<ServerMachine>
    ) -> [Effect] {
        let number = Float(step.result.index)
        let chunks = Fixture.plan(slotCount: 1).chunksTrained(at: step).map {
            CommittedChunk(chunk: $0, payload: Frame(floats: [number, number]), hash: Digest(1))
        }
        let result = CommitResult(
            chunks: chunks, stateHash: Digest(100 + step.result.index), learningRate: 0.1)
        return stage.handle(.finished(job, .committed(result)))
    }

    @Test func aStepIsOpenAsSoonAsItMayHaveBegunAndReadsItsVersionAlone() {
        var stage = Self.serving()
        let push = { (step: UInt64, chunk: Int, reads: UInt64) in
            ServerMachineTests.push(0, 1, step: step, chunk: chunk, reads: reads)
        }
        let outcomes = [push(1, 2, 1), push(1, 2, 0), push(2, 0, 2), push(3, 0, 2)].map {
            ServerMachineTests.outcomes(ServerMachineTests.deliver($0, to: &stage))
        }
        #expect(outcomes == [[.malformed], [.recorded], [.recorded], [.early]])
    }

    @Test func versionsStayUntilNoStepReadsThemAndStepsAreAppliedInOrder() {
        var stage = Self.serving()
        for step in 0..<4 { _ = Self.commit(UInt64(step), &stage) }
        // Another shard may be at version 2, whose steps 2 and 3 read version 2.
        #expect(Self.pull(0, 0, from: &stage)?.floats == [0, 0])
        #expect(Self.pull(0, 3, from: &stage)?.floats == [3, 3])
        #expect(Self.pull(0, 4, from: &stage)?.floats == [4, 4])
        #expect(Self.pull(2, 1, from: &stage) == nil)
        #expect(Self.pull(2, 2, from: &stage)?.floats == [2, 2])
    }

    static func snapshots(_ effects: [Effect]) -> [SnapshotJob] {
        effects.jobs.compactMap { if case .snapshot(let job) = $0.job { job } else { nil } }
    }

    @Test func aSnapshotHoldsTheOlderVersionsThatAreStillRead() {
        var stage = Self.serving()
        let snapshots = (0..<4).flatMap { Self.snapshots(Self.commit(UInt64($0), &stage)) }
        #expect(snapshots.map(\.version) == [Version(2), Version(4)])
        #expect(snapshots[0].earlier == [], "the phase begins there")
        #expect(snapshots[1].earlier.map(\.chunk.index) == [0, 1, 3])
        #expect(snapshots[1].earlier.allSatisfy { $0.version == Version(3) })
        #expect(snapshots[1].earlier.allSatisfy { $0.payload.floats == [3, 3] })
    }

    @Test func aServerThatLoadsACheckpointAnswersForItsOlderVersions() {
        let earlier = [0, 1, 3].map {
            EarlierChunk(
                chunk: ChunkID($0), version: Version(3), payload: Frame(floats: [3, Float($0)]),
                hash: Digest(1))
        }
        var stage = Self.serving(at: Version(4), earlier: earlier)
        #expect(Self.pull(0, 3, from: &stage)?.floats == [3, 0])
        #expect(Self.pull(3, 3, from: &stage)?.floats == [3, 3])
        #expect(Self.pull(3, 4, from: &stage)?.floats == [0, 0])
    }

    @Test func aNewBackupIsSentTheOlderVersionsToo() {
        var stage = Self.serving(0, ReplicationTests.placement(backup: nil, servers: [0]))
        _ = Self.commit(0, &stage)
        _ = stage.receive(
            .placementChanged(ReplicationTests.placement(revision: 2)),
            ReplicationTests.coordinator, from: .coordinator)
        guard case .collect(let job)? = ReplicationTests.request(0, to: &stage).jobs.first?.job
        else {
            Issue.record("nothing is collected")
            return
        }
        #expect(job.version == Version(1))
        #expect(job.earlier.map { [$0.chunk.index, Int($0.version.index)] } == [[2, 0]])
    }

    @Test func aPromotedBackupAnswersForEveryVersionThatIsStillRead() {
        var stage = Self.serving(1, ReplicationTests.placement())
        let job = ReplicationTests.commits(ReplicationTests.replicate(&stage))[0].id
        _ = Self.finish(job, Step(0), &stage)
        _ = stage.receive(
            .placementChanged(ReplicationTests.promotion), ReplicationTests.coordinator,
            from: .coordinator)
        #expect(Self.pull(2, 0, from: &stage, term: 2)?.floats == [0, 0], "step 1 reads version 0")
        #expect(Self.pull(2, 1, from: &stage, term: 2) != nil)
    }

    // MARK: Worker

    static func pulls(_ effects: [Effect]) -> [Pull] {
        effects.bodies.compactMap { if case .pull(let pull) = $0 { pull } else { nil } }
    }

    static func lease(_ step: UInt64, _ stage: inout Stage<WorkerMachine>) -> [Effect] {
        stage.receive(
            WorkerMachineTests.lease(step + 1, 0, 2, step: step), WorkerMachineTests.coordinator,
            from: .coordinator)
    }

    @Test func theNextStepBeginsBeforeTheOneBeforeItIsCommitted() {
        var (stage, job) = WorkerMachineTests.computing(lag: 1)
        #expect(Self.pulls(Self.lease(1, &stage)).isEmpty, "it reads what is here")
        let done = Computation(
            trailer: Fixture.trailer(slots: 2), gradients: [WorkerMachineTests.gradient(2)])
        let effects = stage.handle(.finished(job, .computed(done)))
        guard case .compute(let next)? = effects.jobs.first?.job else {
            Issue.record("nothing is computed: \(effects)")
            return
        }
        #expect(next.step == Step(1))
        let later = stage.handle(.finished(effects.jobs[0].id, .computed(done)))
        for case .push(let push) in later.bodies {
            #expect(push.step == Step(1) && push.readVersion == Version(0))
        }
    }

    @Test func parametersOfTheNextStepComeWhileThisOneIsComputed() {
        var (stage, _) = WorkerMachineTests.computing(lag: 1)
        _ = Self.lease(1, &stage)
        let asked = Self.pulls(Self.lease(2, &stage))
        // Step 2 begins a phase: it reads version 2, as of which chunks 0, 1 and 3 have never changed.
        #expect(asked.compactMap(\.chunk?.index) == [0, 1, 2, 3])
        #expect(asked.map(\.version.index) == [0, 0, 2, 0])
        var (synchronous, _) = WorkerMachineTests.computing()
        #expect(Self.pulls(Self.lease(1, &synchronous)).isEmpty)
    }

    @Test func aLeaseWhoseVersionIsGoneIsGivenUpAndLaterOnesAreNot() {
        var stage = WorkerMachineTests.working(slotCount: 2, lag: 1)
        _ = Self.lease(3, &stage)
        _ = Self.lease(4, &stage)
        let refused = PullRefused(
            shard: ShardIndex(0), chunk: ChunkID(0), version: Version(0), reason: .dropped,
            shardVersion: Version(4))
        let effects = stage.receive(
            .pullRefused(refused), WorkerMachineTests.server, from: WorkerMachineTests.fromServer)
        #expect(Self.pulls(effects).contains { $0.chunk == ChunkID(0) && $0.version == Version(3) })
    }

    /// The share in the heartbeat of a worker that had a job from 0 to 1,000 ms, waited for the
    /// parameters of the next from then until 1,300 ms, and ended that at 2,000 ms.
    static func pullWait(heldLease: Bool) -> UInt32? {
        var (stage, job) = WorkerMachineTests.computing()
        let done = Computation(trailer: Fixture.trailer(slots: 2), gradients: [])
        if heldLease { _ = lease(1, &stage) }
        stage.milliseconds = 1_000
        _ = stage.handle(.finished(job, .computed(done)))
        stage.milliseconds = 1_300
        let arrived = stage.receive(
            WorkerMachineTests.parameters(2, version: 1), WorkerMachineTests.server,
            from: WorkerMachineTests.fromServer)
        let begun = heldLease ? arrived : lease(1, &stage)
        stage.milliseconds = 2_000
        guard let (last, _) = begun.jobs.last else { return nil }
        _ = stage.handle(.finished(last, .computed(done)))
        for case .heartbeat(let heartbeat) in stage.handle(.timerFired(.tick)).bodies
        where heartbeat.leases.count > 0 {
            return heartbeat.pullWaitPermille
        }
        return nil
    }

    @Test func theWaitForParametersOfALeaseIsReported() {
        #expect(Self.pullWait(heldLease: true) == 75, "a quarter of 300: an average over four jobs")
        #expect(Self.pullWait(heldLease: false) == 0, "it had nothing to compute")
    }

    // MARK: The whole

    static func options(_ lag: UInt64) -> SimulationOptions {
        var options = SimulationOptions()
        options.lag = lag
        return options
    }

    static func count(
        _ outcome: Simulation.Outcome, _ isMeant: (Observation) -> Bool
    ) -> Int {
        #expect(outcome.termination == .completed)
        return outcome.observations.count(where: isMeant)
    }

    @Test(arguments: [UInt64(1), 2, 8])
    func anyNumberOfServersAndWorkersGivesTheSameState(lag: UInt64) throws {
        for serverCount in 1...3 {
            for workerCount in [1, 2, 3, 5] {
                var options = Self.options(lag)
                options.serverCount = serverCount
                options.workerCount = workerCount
                options.stepsPerPhase = 5
                let outcome = try Simulation.run(seed: 1, options: options)
                #expect(outcome.manifests.last?.version == outcome.plan.finalVersion)
            }
        }
    }

    @Test(arguments: [UInt64(1), 2], 1...14)
    func aRunGoesOnFromAnyCheckpointToTheSameState(lag: UInt64, version: UInt64) throws {
        for serverCount in 1...2 {
            var options = Self.options(lag)
            options.serverCount = serverCount
            options.stepsPerPhase = 5
            options.startVersion = version
            let outcome = try Simulation.run(seed: version, options: options)
            #expect(outcome.termination == .completed)
        }
    }

    @Test(arguments: [UInt64(1), 2], [UInt64(1), 2, 3])
    func aRunThatGoesBackComesToTheSameState(lag: UInt64, seed: UInt64) throws {
        var options = Self.options(lag)
        options.serverCount = 1
        options.stepsPerPhase = 40
        options.faultsEndMilliseconds = 3_000
        options.serverCrashMilliseconds = 1_000
        let outcome = try Simulation.run(seed: seed, options: options)
        let count = Self.count(outcome) { if case .rolledBack = $0 { true } else { false } }
        #expect(count > 0)
    }

    @Test(arguments: [UInt64(1), 2])
    func aBackupLeadsWhatADeadServerLed(lag: UInt64) throws {
        var options = Self.options(lag)
        options.stepsPerPhase = 40
        options.faultsEndMilliseconds = 4_000
        options.serverCrashMilliseconds = 1_500
        let counts = try (1...3).map { seed in
            let outcome = try Simulation.run(seed: UInt64(seed), options: options)
            return Self.count(outcome) { if case .promoted = $0 { true } else { false } }
        }
        #expect(counts.contains { $0 > 0 })
    }
}
