import Testing
import TrainingProtocol

@Suite struct CoordinatorMachineTests {
    static func stage(
        slotCount: Int, hintedWorkerCount: Int = 1, policy: NumericsPolicy = .strict,
        limits: Limits = Limits(), engine: String? = nil,
        nonFinitePolicy: NonFinitePolicy = .skip, lag: UInt64 = 0
    ) -> Stage<CoordinatorMachine> {
        let settings = CoordinatorSettings(
            run: Fixture.run, coordinatorTerm: CoordinatorTerm(1),
            configuration: Fixture.configuration, configurationHash: Fixture.configurationHash,
            plan: Fixture.plan(slotCount: slotCount, nonFinitePolicy: nonFinitePolicy, lag: lag),
            serverCount: 1,
            hintedWorkerCount: hintedWorkerCount, numericsEngine: engine, numericsPolicy: policy,
            source: .initialValues, startVersion: .initial)
        var stage = Stage(
            CoordinatorMachine(
                identity: Fixture.identity(1), settings: settings, limits: limits))
        let opening = stage.handle(.started)
        _ = stage.handle(.finished(opening.jobs[0].id, .journaled))
        return stage
    }

    static func peer(_ low: UInt64) -> Peer { .member(Incarnation(high: 0, low: low)) }

    static func greeting(
        _ role: Role, build: String = "b1", numerics: String = "n", hash: ContentHash? = nil
    ) -> MessageBody {
        .greeting(
            Greeting(
                build: Build(build), configurationHash: hash,
                numericsClass: role == .worker ? NumericsClass(numerics) : nil,
                advertisedEndpoint: role == .server ? "e0" : nil, processID: 1, host: "h",
                threadCount: 1, leases: [], shards: []))
    }

    static func greet(
        _ stage: inout Stage<CoordinatorMachine>, _ role: Role, _ low: UInt64,
        _ body: MessageBody? = nil
    ) -> [Effect] {
        var effects = stage.receive(
            body ?? greeting(role), Fixture.header(role, low, run: .none), from: peer(low))
        for (id, job) in effects.jobs {
            guard case .journal = job else { continue }
            effects += stage.handle(.finished(id, .journaled))
        }
        return effects
    }

    static func beat(
        _ stage: inout Stage<CoordinatorMachine>, _ low: UInt64, leases: [UInt64] = []
    ) -> [Effect] {
        let heartbeat = Heartbeat(
            activity: .idle, finishedSlots: 0, leases: leases.map { LeaseID($0) },
            durableThrough: .initial, recordedThrough: .initial, placementRevision: 1)
        return stage.receive(
            .heartbeat(heartbeat), Fixture.header(.worker, low), from: peer(low))
    }

    /// A run whose only server is ready and whose checkpoint 0 is on disk.
    static func secured(
        slotCount: Int, hintedWorkerCount: Int = 1, nonFinitePolicy: NonFinitePolicy = .skip,
        lag: UInt64 = 0
    ) -> Stage<CoordinatorMachine> {
        var stage = stage(
            slotCount: slotCount, hintedWorkerCount: hintedWorkerCount,
            nonFinitePolicy: nonFinitePolicy, lag: lag)
        #expect(greet(&stage, .server, 10).kinds == ["welcome"])
        let status = ShardStatus(
            shard: ShardIndex(0), part: .primary, term: ShardTerm(1), version: .initial,
            durableThrough: .initial, stateHash: Digest(0))
        let server = Fixture.header(.server, 10)
        _ = stage.receive(
            .serverReady(ServerReady(shards: [status])), server, from: peer(10))
        _ = progress(&stage, missing: [SlotRange(0, slotCount)])
        let written = ShardWritten(
            shard: ShardIndex(0), version: .initial, files: [],
            description: Fixture.configuration)
        let manifest = stage.receive(.shardWritten(written), server, from: peer(10))
        let reference = CheckpointReference(
            version: .initial, manifest: "m", hash: Fixture.configurationHash)
        let journal = stage.handle(
            .finished(manifest.jobs[0].id, .manifestWritten(reference)))
        let done = stage.handle(.finished(journal.jobs[0].id, .journaled))
        #expect(done.observations.contains(.checkpointCommitted(reference)))
        return stage
    }

    /// The number of the n-th lease, or attempt, that the coordinator of term 1 grants.
    static func number(_ count: UInt64) -> UInt64 { 1 << 32 + count }

    static func leases(_ effects: [Effect]) -> [SlotRange] {
        effects.bodies.compactMap { if case .lease(let lease) = $0 { lease.node } else { nil } }
    }

    static func progress(
        _ stage: inout Stage<CoordinatorMachine>, missing: [SlotRange],
        claims: [ServerProgress.NonFiniteClaim] = []
    ) -> [Effect] {
        let progress = ServerProgress(
            shard: ShardIndex(0), version: .initial, durableThrough: .initial,
            openSteps: [.init(step: Step(0), missing: missing, claims: claims)])
        return stage.receive(
            .serverProgress(progress), Fixture.header(.server, 10), from: peer(10))
    }

    @Test func firstLeasesWaitForTheHintedWorkers() {
        var stage = Self.secured(slotCount: 7, hintedWorkerCount: 2)
        _ = Self.greet(&stage, .worker, 20)
        #expect(Self.leases(Self.beat(&stage, 20)).isEmpty)
        _ = Self.greet(&stage, .worker, 21)
        let effects = Self.beat(&stage, 21)
        let halves = [SlotRange(0, 2), SlotRange(2, 3), SlotRange(3, 4), SlotRange(4, 7)]
        #expect(Self.leases(effects) == halves + halves, "the current step and the next")
    }

    @Test func theFirstLeasesDeadlineStartsTheRunWithFewerWorkers() {
        var stage = Self.secured(slotCount: 2, hintedWorkerCount: 2)
        _ = Self.greet(&stage, .worker, 20)
        _ = Self.beat(&stage, 20)
        stage.milliseconds = Limits().firstLeasesMilliseconds
        let effects = stage.handle(.timerFired(.firstLeases))
        #expect(Self.leases(effects) == [SlotRange(0, 2), SlotRange(0, 2)])
    }

    @Test func aLostWorkersUncoveredSlotsAreLeasedAgainAtOnce() {
        var stage = Self.secured(slotCount: 8, hintedWorkerCount: 2)
        _ = Self.greet(&stage, .worker, 20)
        _ = Self.greet(&stage, .worker, 21)
        _ = Self.beat(&stage, 20)
        _ = Self.beat(&stage, 21)
        _ = Self.progress(&stage, missing: [SlotRange(2, 8)])
        let effects = stage.handle(.disconnected(Self.peer(20)))
        #expect(Self.leases(effects) == [SlotRange(2, 4), SlotRange(0, 4)])
    }

    @Test func aJoinerGetsAShareOfTheStepThatNobodyHasBegun() {
        var stage = Self.secured(slotCount: 4)
        _ = Self.greet(&stage, .worker, 20)
        _ = Self.beat(&stage, 20)
        _ = Self.greet(&stage, .worker, 21)
        let effects = Self.beat(&stage, 21)
        #expect(Self.leases(effects) == [SlotRange(0, 2), SlotRange(2, 4)])
        #expect(effects.kinds.first == "lease revoked")
    }

    @Test func aNonFiniteClaimIsComputedAgainByAnotherWorker() {
        var stage = Self.secured(slotCount: 2, hintedWorkerCount: 2)
        _ = Self.greet(&stage, .worker, 20)
        _ = Self.greet(&stage, .worker, 21)
        _ = Self.beat(&stage, 20)
        _ = Self.beat(&stage, 21)
        let claim = ServerProgress.NonFiniteClaim(
            node: SlotRange(0, 1), attempts: [Attempt(Self.number(1))])
        let effects = Self.progress(&stage, missing: [SlotRange(0, 2)], claims: [claim])
        #expect(Self.leases(effects) == [SlotRange(0, 1)])
        guard
            case .send(_, let peer)? = effects.last(where: {
                if case .send = $0 { true } else { false }
            })
        else { return }
        #expect(peer == Self.peer(21))
        #expect(Self.progress(&stage, missing: [SlotRange(0, 2)], claims: [claim]).isEmpty)
    }

    /// What the coordinator does when its only shard has skipped step 0 for slot 1.
    private static func skipStep(
        under policy: NonFinitePolicy
    ) -> (effects: [Effect], stage: Stage<CoordinatorMachine>) {
        var stage = secured(slotCount: 2, nonFinitePolicy: policy)
        _ = greet(&stage, .worker, 20)
        _ = beat(&stage, 20)
        let report = StepCommitted(
            shard: ShardIndex(0), step: Step(0), decision: .skip,
            trailer: .nonFinite(
                slot: 1, samples: 8, validPixels: 10, lossCount: 1, metricCount: 0),
            trailerContributions: [], chunks: [], stateHash: Digest(0), durableThrough: Version(1))
        let effects = stage.receive(
            .stepCommitted(report), Fixture.header(.server, 10), from: peer(10))
        return (effects, stage)
    }

    @Test func aSkippedStepIsToldWithItsSlot() {
        let (effects, stage) = Self.skipStep(under: .skip)
        #expect(effects.observations.contains(.stepSkipped(Step(0), slot: 1)))
        #expect(effects.termination == nil)
        let status = stage.machine.status(at: Instant(nanoseconds: 0))
        #expect(status.alarms == ["step 0 was skipped: slot 1 is not finite"])
    }

    @Test func aStepThatIsNotFiniteEndsARunThatIsToStop() {
        let effects = Self.skipStep(under: .stop).effects
        #expect(effects.termination == .notFinite(step: Step(0), slot: 1))
        #expect(effects.kinds == ["finish", "finish"])
    }

    @Test func leasesThatAWorkerDoesNotNameAreSentAgain() {
        var stage = Self.secured(slotCount: 1)
        _ = Self.greet(&stage, .worker, 20)
        _ = Self.beat(&stage, 20)
        stage.milliseconds = Limits().retryMilliseconds
        let (first, second) = (Self.number(1), Self.number(2))
        #expect(Self.leases(Self.beat(&stage, 20, leases: [second])) == [SlotRange(0, 1)])
        stage.milliseconds *= 2
        #expect(Self.leases(Self.beat(&stage, 20, leases: [first, second])).isEmpty)
    }

    @Test func slotsThatEveryWorkerRefusesEndTheRun() {
        var stage = Self.secured(slotCount: 1)
        _ = Self.greet(&stage, .worker, 20)
        _ = Self.beat(&stage, 20)
        let returned = LeaseReturned(
            lease: LeaseID(Self.number(1)), reason: .data, explanation: "a.jpg differs")
        let effects = stage.receive(
            .leaseReturned(returned), Fixture.header(.worker, 20), from: Self.peer(20))
        let failure = JobFailure(kind: .data, explanation: "a.jpg differs")
        #expect(
            effects.termination
                == .slotsRefused(step: Step(0), node: SlotRange(0, 1), failure))
        #expect(effects.kinds == ["finish", "finish"])
    }

    @Test func strangersAreRefusedNamingBothValues() {
        var stage = Self.secured(slotCount: 1)
        _ = Self.greet(&stage, .worker, 20)
        let other = ContentHash(Array(repeating: 9, count: 32))
        let cases: [(MessageBody, Refusal.Code, [String])] = [
            (Self.greeting(.worker, build: "b2"), .build, ["b1", "b2"]),
            (
                Self.greeting(.worker, hash: other), .configuration,
                ["\(other)", "\(Fixture.configurationHash)"]
            ),
            (Self.greeting(.worker, numerics: "m"), .numericsClass, ["class is m", "run's n"]),
        ]
        for (index, (body, code, words)) in cases.enumerated() {
            let effects = Self.greet(&stage, .worker, 30 + UInt64(index), body)
            guard case .refusal(let refusal)? = effects.bodies.first else {
                Issue.record("no refusal in \(effects)")
                continue
            }
            #expect(refusal.code == code)
            for word in words { #expect(refusal.explanation.contains(word)) }
        }
    }

    @Test func theClassOfTheRunsEngineCounts() {
        var stage = Self.stage(slotCount: 1, engine: "portable")
        let first = Self.greeting(.worker, numerics: "portable-1 openblas-aa")
        #expect(Self.greet(&stage, .worker, 20, first).bodies.isEmpty, "it waits for its welcome")
        let sameEngine = Self.greeting(.worker, numerics: "portable-1 openblas-bb")
        #expect(Self.greet(&stage, .worker, 21, sameEngine).bodies.isEmpty)
        for (index, other) in ["portable-2 openblas-aa", "openblas-aa"].enumerated() {
            let body = Self.greeting(.worker, numerics: other)
            let effects = Self.greet(&stage, .worker, 30 + UInt64(index), body)
            guard case .refusal(let refusal)? = effects.bodies.first else {
                Issue.record("no refusal in \(effects)")
                continue
            }
            #expect(refusal.code == .numericsClass)
            #expect(refusal.explanation.contains("portable"))
        }
    }

    @Test func serversBeyondTheLimitAreRefused() {
        var limits = Limits()
        limits.serverCount = 2
        var stage = Self.stage(slotCount: 1, limits: limits)
        _ = Self.greet(&stage, .server, 10)
        #expect(Self.greet(&stage, .server, 40).bodies.isEmpty, "it waits for its welcome")
        guard case .refusal(let full)? = Self.greet(&stage, .server, 41).bodies.first else {
            Issue.record("a third server was let in")
            return
        }
        #expect(full.code == .noVacancy)
    }

    @Test func aLostServerWithoutABackupSendsTheRunBackToItsCheckpoint() {
        var stage = Self.secured(slotCount: 1)
        _ = Self.greet(&stage, .worker, 20)
        stage.milliseconds = Limits().silenceMilliseconds + 1
        let effects = stage.handle(.timerFired(.tick))
        let departure = Observation.Departure.silent(milliseconds: stage.milliseconds)
        #expect(effects.observations.contains(.left(MemberID(1), role: .server, departure)))
        #expect(effects.termination == nil)
        #expect(effects.jobs.map(\.job) == [.findCheckpoint])
    }

    @Test func shardsMustDecideAlike() {
        var stage = Self.secured(slotCount: 1)
        let report = StepCommitted(
            shard: ShardIndex(0), step: Step(1), decision: .apply,
            trailer: Fixture.trailer(slots: 1), trailerContributions: [], chunks: [],
            stateHash: Digest(0), durableThrough: Version(2))
        let early = stage.receive(
            .stepCommitted(report), Fixture.header(.server, 10), from: Self.peer(10))
        #expect(early.isEmpty, "a report out of order waits for its repetition")
    }

    @Test func aStopBeforeTrainingEndsTheRunWithItsFirstCheckpoint() {
        var stage = Self.secured(slotCount: 1)
        let effects = stage.handle(.stopRequested)
        #expect(effects.kinds == ["finish"])
        let goodbye = Goodbye(reason: .finished, explanation: "")
        _ = stage.handle(.finished(effects.jobs[0].id, .journaled))
        let end = stage.receive(
            .goodbye(goodbye), Fixture.header(.server, 10), from: Self.peer(10))
        guard case .stopped(let reference?)? = end.termination else {
            Issue.record("ended \(String(describing: end.termination))")
            return
        }
        #expect(reference.version == .initial)
    }

    @Test func aCheckpointThatSeveralShardsCannotWriteFailsOnce() {
        var stage = Self.secured(slotCount: 1)
        let notWritten = { (version: UInt64) in
            MessageBody.shardNotWritten(
                ShardNotWritten(
                    shard: ShardIndex(0), version: Version(version), explanation: "disk full"))
        }
        let server = Fixture.header(.server, 10)
        let first = stage.receive(notWritten(2), server, from: Self.peer(10))
        let failure = Observation.checkpointFailed(Version(2), explanation: "disk full")
        #expect(first.observations == [failure])
        for _ in 0..<3 {
            let again = stage.receive(notWritten(2), server, from: Self.peer(10))
            #expect(again.kinds == ["shard written acknowledged"])
            #expect(again.observations.isEmpty && again.termination == nil)
        }
        #expect(stage.receive(notWritten(3), server, from: Self.peer(10)).termination == nil)
        let third = stage.receive(notWritten(4), server, from: Self.peer(10))
        #expect(third.termination == .checkpointFailed(Version(4), "disk full"))
    }

    @Test func aStopWaitsForTheCommitOfWhatTheLastWorkerDelivered() {
        var stage = Self.secured(slotCount: 1)
        _ = Self.greet(&stage, .worker, 20)
        _ = Self.beat(&stage, 20)
        let server = Fixture.header(.server, 10)
        let report = StepCommitted(
            shard: ShardIndex(0), step: Step(0), decision: .apply,
            trailer: Fixture.trailer(slots: 1), trailerContributions: [], chunks: [],
            stateHash: Digest(0), durableThrough: Version(1))
        #expect(stage.handle(.stopRequested).observations == [.stopping(at: Version(2))])
        stage.milliseconds = 10
        let goodbye = Goodbye(reason: .drained, explanation: "")
        let left = stage.receive(
            .goodbye(goodbye), Fixture.header(.worker, 20), from: Self.peer(20))
        #expect(left.bodies.isEmpty, "step 0 may be on its way into a commit")
        stage.milliseconds = 20
        #expect(Self.progress(&stage, missing: []).bodies.isEmpty)
        let committed = stage.receive(.stepCommitted(report), server, from: Self.peer(10))
        #expect(committed.bodies.isEmpty, "nothing says yet that step 1 is stuck")
        let stuck = ServerProgress(
            shard: ShardIndex(0), version: Version(1), durableThrough: Version(1),
            openSteps: [.init(step: Step(1), missing: [SlotRange(0, 1)], claims: [])])
        let stop = stage.receive(.serverProgress(stuck), server, from: Self.peer(10))
        #expect(stop.observations == [.stopping(at: Version(1))])
        #expect(stop.bodies == [.checkpointRequested(Version(1))])
    }
}
