import Testing
import TrainingProtocol

@Suite struct WorkerMachineTests {
    static let coordinator = Fixture.header(.coordinator, 1)
    static let server = Fixture.header(.server, 10)

    static func working(
        slotCount: Int, serverCount: Int = 1, lag: UInt64 = 0
    ) -> Stage<WorkerMachine> {
        var stage = Stage(
            WorkerMachine(
                identity: Fixture.identity(5), numericsClass: NumericsClass("n"),
                configurationHash: nil, limits: Limits()))
        #expect(stage.handle(.started).kinds == ["greeting"])
        let plan = Fixture.plan(slotCount: slotCount, lag: lag)
        let welcome = Fixture.welcome(plan: plan, server: nil, serverCount: serverCount)
        let effects = stage.receive(.welcome(welcome), coordinator, from: .coordinator)
        #expect(effects.contains(.connect(.server(ServerIndex(0)), endpoint: "e0")))
        let ready = stage.handle(.finished(effects.jobs[0].id, .prepared))
        #expect(ready.kinds.first == "heartbeat")
        return stage
    }

    static func lease(
        _ id: UInt64, _ lower: Int, _ upper: Int, step: UInt64 = 0
    ) -> MessageBody {
        .lease(
            Lease(
                id: LeaseID(id), step: Step(step), node: SlotRange(lower, upper),
                attempt: Attempt(id)))
    }

    static func parameters(_ chunk: Int?, version: UInt64, durable: UInt64 = 0) -> MessageBody {
        .parameters(
            Parameters(
                shard: ShardIndex(0), chunk: chunk.map { ChunkID($0) }, version: Version(version),
                durableThrough: Version(durable),
                payload: chunk == nil ? nil : Frame(floats: [0, 0])))
    }

    static func gradient(_ chunk: Int) -> ChunkGradient {
        ChunkGradient(chunk: ChunkID(chunk), digest: Digest(1), payload: Frame(floats: [1, 1]))
    }

    static let fromServer = Peer.server(ServerIndex(0))

    /// A worker whose lease of the whole step 0 is being computed.
    static func computing(lag: UInt64 = 0) -> (stage: Stage<WorkerMachine>, job: JobID) {
        var stage = working(slotCount: 2, lag: lag)
        let pulls = stage.receive(lease(1, 0, 2), coordinator, from: .coordinator)
        #expect(
            pulls.bodies == [
                .pull(Pull(shard: ShardIndex(0), chunk: ChunkID(2), version: Version(0)))
            ])
        let start = stage.receive(parameters(2, version: 0), server, from: fromServer)
        guard start.jobs.count == 2, case .place(let placed) = start.jobs[0].job,
            case .compute(let job) = start.jobs[1].job
        else {
            Issue.record("no compute in \(start)")
            return (stage, JobID(0))
        }
        #expect(placed.map(\.chunk) == [ChunkID(2)])
        #expect(job.trainedChunks == [ChunkID(2)])
        return (stage, start.jobs[1].id)
    }

    @Test func parametersArePlacedAsTheyArrive() {
        var stage = Self.working(slotCount: 2)
        _ = stage.receive(Self.lease(1, 0, 2, step: 2), Self.coordinator, from: .coordinator)
        for (chunk, version) in [(0, 0), (2, 2), (1, 0)] as [(Int, UInt64)] {
            let answer = Self.parameters(chunk, version: version)
            let effects = stage.receive(answer, Self.server, from: Self.fromServer)
            guard effects.jobs.count == 1, case .place(let placed) = effects.jobs[0].job else {
                Issue.record("\(chunk) is not placed: \(effects.jobs)")
                return
            }
            #expect(placed.map(\.chunk) == [ChunkID(chunk)])
            let again = stage.receive(answer, Self.server, from: Self.fromServer)
            #expect(again.jobs.isEmpty, "it was not asked for again")
        }
        let last = stage.receive(
            Self.parameters(3, version: 0), Self.server, from: Self.fromServer)
        #expect(last.jobs.count == 2, "the last one begins the step")
    }

    @Test func parametersAreNotPlacedUnderAComputation() {
        var (stage, job) = Self.computing(lag: 1)
        _ = stage.receive(Self.lease(2, 0, 2, step: 2), Self.coordinator, from: .coordinator)
        let early = stage.receive(
            Self.parameters(0, version: 0), Self.server, from: Self.fromServer)
        #expect(early.jobs.isEmpty)
        let done = Computation(trailer: Fixture.trailer(slots: 2), gradients: [])
        let effects = stage.handle(.finished(job, .computed(done)))
        guard case .place(let placed)? = effects.jobs.first?.job else {
            Issue.record("nothing is placed: \(effects.jobs)")
            return
        }
        #expect(placed.map(\.chunk) == [ChunkID(0)])
    }

    @Test func gradientsLeaveWhileTheNodeIsStillComputedAndTheTrailerLast() {
        var (stage, job) = Self.computing()
        #expect(stage.handle(.progressed(job, .gradient(Self.gradient(2)))).kinds == ["push"])
        let done = Computation(trailer: Fixture.trailer(slots: 2), gradients: [])
        let effects = stage.handle(.finished(job, .computed(done)))
        #expect(effects.kinds == ["pull", "trailer"], "the next version is prefetched at once")
        guard case .pull(let pull) = effects.bodies[0] else { return }
        #expect(pull.version == Version(1))
    }

    @Test func aNonFiniteNodeSendsTheTrailerAlone() {
        var (stage, job) = Self.computing()
        let done = Computation(trailer: Fixture.nonFinite(slots: 2), gradients: [])
        let effects = stage.handle(.finished(job, .computed(done)))
        #expect(effects.kinds.contains("trailer") && !effects.kinds.contains("push"))
    }

    @Test func aRevokedLeaseIsGivenBackUnlessItHasBegun() {
        var (stage, _) = Self.computing()
        let begun = stage.receive(
            .leaseRevoked(LeaseID(1)), Self.coordinator, from: .coordinator)
        #expect(begun.isEmpty)
        _ = stage.receive(Self.lease(2, 0, 2, step: 1), Self.coordinator, from: .coordinator)
        let waiting = stage.receive(
            .leaseRevoked(LeaseID(2)), Self.coordinator, from: .coordinator)
        #expect(waiting.kinds == ["lease returned"])
    }

    @Test func aStoppedWorkerHandsBackDeliversAndLeaves() {
        var (stage, job) = Self.computing()
        _ = stage.receive(Self.lease(2, 0, 2, step: 1), Self.coordinator, from: .coordinator)
        #expect(stage.handle(.stopRequested).kinds == ["drain", "lease returned"])
        let late = stage.receive(
            Self.lease(3, 0, 1, step: 1), Self.coordinator, from: .coordinator)
        #expect(late.kinds == ["lease returned"])
        let done = Computation(
            trailer: Fixture.trailer(slots: 2), gradients: [Self.gradient(2)])
        #expect(stage.handle(.finished(job, .computed(done))).kinds == ["push", "trailer"])
        let node = SlotRange(0, 2)
        let push = PushAcknowledged(
            shard: ShardIndex(0), step: Step(0), node: node, chunk: ChunkID(2),
            attempt: Attempt(1), outcome: .recorded, durableThrough: .initial)
        let first = stage.receive(.pushAcknowledged(push), Self.server, from: Self.fromServer)
        #expect(first.termination == nil)
        let trailer = TrailerAcknowledged(
            shard: ShardIndex(0), step: Step(0), node: node, attempt: Attempt(1),
            outcome: .recorded, durableThrough: .initial)
        let last = stage.receive(
            .trailerAcknowledged(trailer), Self.server, from: Self.fromServer)
        #expect(last.kinds == ["goodbye", "goodbye"] && last.termination == .drained)
    }

    @Test func theSecondStopEndsTheWorkerAtOnce() {
        var (stage, _) = Self.computing()
        _ = stage.handle(.stopRequested)
        #expect(stage.handle(.stopRequested).termination == .aborted)
    }

    @Test func aDamagedPayloadIsSentAgainAFewTimesOnly() {
        var (stage, job) = Self.computing()
        _ = stage.handle(.progressed(job, .gradient(Self.gradient(2))))
        let corrupt = PushAcknowledged(
            shard: ShardIndex(0), step: Step(0), node: SlotRange(0, 2), chunk: ChunkID(2),
            attempt: Attempt(1), outcome: .corrupt, durableThrough: .initial)
        for _ in 1..<Limits().corruptPayloadAttempts {
            let again = stage.receive(
                .pushAcknowledged(corrupt), Self.server, from: Self.fromServer)
            #expect(again.kinds == ["push"])
        }
        let end = stage.receive(.pushAcknowledged(corrupt), Self.server, from: Self.fromServer)
        #expect(
            end.termination
                == .contributionRefused(step: Step(0), node: SlotRange(0, 2), .corrupt))
    }

    @Test func aFailedSlotIsGivenBackWithItsReason() {
        var (stage, job) = Self.computing()
        let failure = JobFailure(kind: .data, explanation: "a.jpg differs")
        let effects = stage.handle(.finished(job, .failed(failure)))
        #expect(
            effects.bodies.first
                == .leaseReturned(
                    LeaseReturned(
                        lease: LeaseID(1), reason: .data, explanation: "a.jpg differs")))
    }

    @Test func everyShardMustHaveReachedTheStepBeforeItBegins() {
        var stage = Self.working(slotCount: 2, serverCount: 2)
        let effects = stage.receive(Self.lease(1, 0, 2), Self.coordinator, from: .coordinator)
        let pulls = effects.bodies.compactMap { body -> Pull? in
            if case .pull(let pull) = body { pull } else { nil }
        }
        #expect(pulls.count == 2)
        #expect(pulls.count { $0.chunk == nil } == 1, "one asks for the step only")
    }

    @Test func unansweredRequestsAreRepeated() {
        var stage = Self.working(slotCount: 2)
        _ = stage.receive(Self.lease(1, 0, 2), Self.coordinator, from: .coordinator)
        stage.milliseconds = Limits().retryMilliseconds
        #expect(stage.handle(.timerFired(.tick)).kinds.contains("pull"))
    }

    // MARK: Servers and coordinators that change

    /// The placement of one server under the term, led by server 0.
    static func placement(term: UInt64, revision: UInt64, origin: UInt64 = 1) -> Placement {
        let plan = Fixture.plan(slotCount: 2)
        return Placement(
            servers: [PlacementRepairTests.server(0)],
            shards: [PlacementRepairTests.shard(0, term, 0, nil)],
            shardOfChunk: Placement.balanced(plan.chunkPlan, shardCount: 1), revision: revision,
            origin: origin)
    }

    @Test func whatIsNotDurableIsSentToAShardsNewPrimary() {
        var (stage, job) = Self.computing()
        _ = stage.handle(.progressed(job, .gradient(Self.gradient(2))))
        let push = PushAcknowledged(
            shard: ShardIndex(0), step: Step(0), node: SlotRange(0, 2), chunk: ChunkID(2),
            attempt: Attempt(1), outcome: .recorded, durableThrough: .initial)
        _ = stage.receive(.pushAcknowledged(push), Self.server, from: Self.fromServer)
        let effects = stage.receive(
            .placementChanged(Self.placement(term: 2, revision: 2)), Self.coordinator,
            from: .coordinator)
        #expect(effects.kinds == ["push"])
        guard case .send(let message, _)? = effects.first else { return }
        #expect(message.header.shardTerm == ShardTerm(2))
    }

    @Test func anAnswerOfAnOldPrimarySettlesNothing() {
        var (stage, job) = Self.computing()
        _ = stage.handle(.progressed(job, .gradient(Self.gradient(2))))
        _ = stage.receive(
            .placementChanged(Self.placement(term: 2, revision: 2)), Self.coordinator,
            from: .coordinator)
        let push = PushAcknowledged(
            shard: ShardIndex(0), step: Step(0), node: SlotRange(0, 2), chunk: ChunkID(2),
            attempt: Attempt(1), outcome: .recorded, durableThrough: .initial)
        let late = stage.receive(.pushAcknowledged(push), Self.server, from: Self.fromServer)
        guard case .messageIgnored(_, _, .oldTerm)? = late.observations.first else {
            Issue.record("it is not ignored: \(late)")
            return
        }
        stage.milliseconds += Limits().retryMilliseconds + 1
        let tick = stage.handle(.timerFired(.tick))
        #expect(tick.kinds.contains("push"), "the new primary has not said that it has it")
    }

    @Test func aDurableStepIsNotSentAgain() {
        var (stage, job) = Self.computing()
        _ = stage.handle(.progressed(job, .gradient(Self.gradient(2))))
        _ = stage.receive(
            Self.parameters(nil, version: 1, durable: 1), Self.server, from: Self.fromServer)
        let effects = stage.receive(
            .placementChanged(Self.placement(term: 2, revision: 2)), Self.coordinator,
            from: .coordinator)
        #expect(!effects.kinds.contains("push"))
    }

    @Test func aRollBackForgetsLeasesParametersAndContributions() {
        var (stage, job) = Self.computing()
        let target = CheckpointReference(
            version: .initial, manifest: "m", hash: Fixture.configurationHash)
        let rollBack = RollBack(
            target: target, placement: Self.placement(term: 2, revision: 2, origin: 2))
        _ = stage.receive(.rollBack(rollBack), Self.coordinator, from: .coordinator)
        let done = Computation(
            trailer: Fixture.trailer(slots: 2), gradients: [Self.gradient(2)])
        #expect(stage.handle(.finished(job, .computed(done))).bodies.isEmpty)
        let pulls = stage.receive(Self.lease(7, 0, 2), Self.coordinator, from: .coordinator)
        let pull = Pull(shard: ShardIndex(0), chunk: ChunkID(2), version: Version(0))
        #expect(pulls.bodies == [.pull(pull)], "what was read before does not count")
    }

    @Test func aCoordinatorOfAHigherTermMakesAWorkerGreetAgainWithItsLeases() {
        var (stage, _) = Self.computing()
        let later = Header(
            protocolVersion: Header.currentProtocolVersion, run: Fixture.run, role: .coordinator,
            incarnation: Incarnation(high: 0, low: 2), coordinatorTerm: CoordinatorTerm(2),
            shardTerm: ShardTerm(0))
        let greeted = stage.receive(.heartbeat(.plain(.serving)), later, from: .coordinator)
        guard case .greeting(let greeting)? = greeted.bodies.first else {
            Issue.record("no greeting in \(greeted)")
            return
        }
        #expect(greeting.member == MemberID(1) && greeting.placementRevision == 1)
        #expect(greeting.leases.map(\.id) == [LeaseID(1)])
        let plan = Fixture.plan(slotCount: 2)
        let welcome = Fixture.welcome(plan: plan, server: nil)
        let met = stage.receive(.welcome(welcome), later, from: .coordinator)
        #expect(met.jobs.isEmpty, "it is prepared")
        let old = stage.receive(Self.lease(9, 0, 1), Self.coordinator, from: .coordinator)
        #expect(old.kinds.isEmpty, "the old coordinator gives no leases any more")
    }
}
