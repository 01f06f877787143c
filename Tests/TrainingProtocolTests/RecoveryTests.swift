import Testing
import TrainingProtocol

/// The coordinator of two servers that back each other, as they come, go and report.
@Suite("A coordinator keeps its run through losses")
struct RecoveryTests {
    typealias Coordinating = Stage<CoordinatorMachine>

    static let checkpoint = CheckpointReference(
        version: .initial, manifest: "m0", hash: Fixture.configurationHash)

    static func stage(
        slotCount: Int = 4, predecessors: CoordinatorSettings.Predecessors = .none,
        term: UInt64 = 1
    ) -> Coordinating {
        let settings = CoordinatorSettings(
            run: Fixture.run, coordinatorTerm: CoordinatorTerm(term),
            configuration: Fixture.configuration, configurationHash: Fixture.configurationHash,
            plan: Fixture.plan(slotCount: slotCount), serverCount: 2, hintedWorkerCount: 1,
            numericsPolicy: .strict, source: .checkpoint(checkpoint), startVersion: .initial,
            predecessors: predecessors)
        var stage = Stage(
            CoordinatorMachine(
                identity: Fixture.identity(1), settings: settings, limits: Limits()))
        _ = settle(&stage, stage.handle(.started))
        return stage
    }

    /// Ends each job as a disk without faults would; returns everything that came of it.
    static func settle(_ stage: inout Coordinating, _ effects: [Effect]) -> [Effect] {
        var all = effects
        var jobs = effects.jobs
        while !jobs.isEmpty {
            let (id, job) = jobs.removeFirst()
            let next = stage.handle(.finished(id, outcome(of: job)))
            all += next
            jobs += next.jobs
        }
        return all
    }

    static func outcome(of job: Job) -> JobOutcome {
        switch job {
        case .journal: .journaled
        case .record: .recorded
        case .cutLedger: .ledgerCut
        case .findCheckpoint: .checkpointFound(checkpoint)
        case .writeManifest(let manifest):
            .manifestWritten(
                CheckpointReference(
                    version: manifest.version, manifest: "m\(manifest.version)",
                    hash: Fixture.configurationHash))
        default: .failed(JobFailure(kind: .computation, explanation: "not a coordinator's"))
        }
    }

    static func peer(_ low: UInt64) -> Peer { .member(Incarnation(high: 0, low: low)) }

    static func greeting(
        _ role: Role, _ low: UInt64, server: Int? = nil, leases: [Lease] = [],
        shards: [ShardStatus] = [], revision: UInt64 = 0
    ) -> MessageBody {
        .greeting(
            Greeting(
                build: Build("b1"), numericsClass: role == .worker ? NumericsClass("n") : nil,
                advertisedEndpoint: role == .server ? "e\(low - 10)" : nil, processID: 1,
                host: "h", threadCount: 1, server: server.map { ServerIndex($0) }, leases: leases,
                shards: shards, placementRevision: revision))
    }

    static func tell(
        _ stage: inout Coordinating, _ role: Role, _ low: UInt64, _ body: MessageBody,
        term: UInt64 = 0
    ) -> [Effect] {
        stage.receive(body, Fixture.header(role, low, shardTerm: term), from: peer(low))
    }

    /// A shard's word; its backup is synchronous where it is named.
    static func progress(
        _ shard: Int, version: UInt64 = 0, durable: UInt64? = nil, missing: [SlotRange] = [],
        backup: Int? = nil
    ) -> MessageBody {
        .serverProgress(
            ServerProgress(
                shard: ShardIndex(shard), version: Version(version),
                durableThrough: Version(durable ?? version),
                openSteps: [.init(step: Step(version), missing: missing, claims: [])],
                synchronousBackup: backup.map { ServerIndex($0) }))
    }

    static func report(_ shard: Int, step: UInt64, durable: UInt64? = nil) -> MessageBody {
        .stepCommitted(
            StepCommitted(
                shard: ShardIndex(shard), step: Step(step), decision: .apply,
                trailer: Fixture.trailer(slots: 4), trailerContributions: [], chunks: [],
                stateHash: Digest(step), durableThrough: Version(durable ?? step + 1)))
    }

    static func beat(
        _ stage: inout Coordinating, _ low: UInt64, revision: UInt64 = 1
    ) -> [Effect] {
        let heartbeat = Heartbeat(
            activity: .idle, finishedSlots: 0, leases: [], durableThrough: .initial,
            recordedThrough: .initial, placementRevision: revision)
        return tell(&stage, .worker, low, .heartbeat(heartbeat))
    }

    static let whole = SlotRange(0, 4)

    /// Servers 10 and 11, the backups of each other in sync, and worker 20 at work on step 0.
    static func training(workers: [UInt64] = [20]) -> Coordinating {
        var stage = stage()
        for low: UInt64 in [10, 11] {
            _ = settle(&stage, tell(&stage, .server, low, greeting(.server, low)))
        }
        for (shard, low) in [(0, UInt64(10)), (1, 11)] {
            let body = progress(shard, missing: [whole], backup: 1 - shard)
            let effects = settle(&stage, tell(&stage, .server, low, body, term: 1))
            guard shard == 1 else { continue }
            let both = [ShardIndex(0), ShardIndex(1)]
            #expect(effects.observations.contains(.backupsInSync(both)))
        }
        for low in workers {
            _ = settle(&stage, tell(&stage, .worker, low, greeting(.worker, low)))
        }
        for low in workers { _ = beat(&stage, low) }
        return stage
    }

    /// The link of a server breaks and stays so.
    static func lose(_ low: UInt64, _ stage: inout Coordinating) -> [Effect] {
        _ = stage.handle(.disconnected(peer(low)))
        stage.milliseconds += Limits().suspicionMilliseconds + 1
        return stage.handle(.timerFired(.suspicion))
    }

    static func placements(_ effects: [Effect], to peer: Peer) -> [Placement] {
        effects.compactMap {
            guard case .send(let message, peer) = $0 else { return nil }
            return switch message.body {
            case .placementChanged(let placement): placement
            case .rollBack(let rollBack): rollBack.placement
            default: nil
            }
        }
    }

    static func leases(_ effects: [Effect], to peer: Peer? = nil) -> [Lease] {
        effects.compactMap {
            guard case .send(let message, let receiver) = $0, peer == nil || receiver == peer,
                case .lease(let lease) = message.body
            else { return nil }
            return lease
        }
    }

    // MARK: Losses

    @Test func aPromotionIsToldOnlyOnceItIsJournaled() {
        var stage = Self.training()
        let lost = Self.lose(10, &stage)
        guard case .journal(.placed(let next))? = lost.jobs.first?.job else {
            Issue.record("nothing is journaled: \(lost.jobs)")
            return
        }
        #expect(
            next.shards == [
                PlacementRepairTests.shard(0, 2, 1, nil), PlacementRepairTests.shard(1, 2, 1, nil),
            ])
        #expect(Self.placements(lost, to: Self.peer(11)).isEmpty)
        let told = stage.handle(.finished(lost.jobs[0].id, .journaled))
        #expect(Self.placements(told, to: Self.peer(11)) == [next])
    }

    @Test func workersHearOfAPlacementWhenEveryPrimaryCanAnswer() {
        var stage = Self.training()
        let worker = Self.peer(20)
        let changed = Self.settle(&stage, Self.lose(10, &stage))
        #expect(Self.placements(changed, to: worker).isEmpty)
        let first = Self.tell(&stage, .server, 11, Self.progress(0), term: 2)
        #expect(Self.placements(first, to: worker).isEmpty, "shard 1 has not spoken")
        let second = Self.tell(&stage, .server, 11, Self.progress(1), term: 2)
        #expect(Self.placements(second, to: worker).map(\.revision) == [2])
    }

    @Test func reportsOfAnOldTermDoNotCount() {
        var stage = Self.training()
        _ = Self.settle(&stage, Self.lose(11, &stage))
        for shard in [0, 1] {
            let old = Self.tell(&stage, .server, 10, Self.report(shard, step: 0), term: 1)
            #expect(old.jobs.isEmpty && old.observations.isEmpty)
        }
        _ = Self.tell(&stage, .server, 10, Self.report(0, step: 0), term: 2)
        let new = Self.tell(&stage, .server, 10, Self.report(1, step: 0), term: 2)
        guard case .stepCommitted(let record)? = new.observations.first else {
            Issue.record("step 0 is not committed: \(new.observations)")
            return
        }
        #expect(record.step == Step(0))
    }

    @Test func aBackupThatIsNotJournaledToBeInSyncIsNotPromoted() {
        var stage = Self.training()
        let behind = Self.tell(&stage, .server, 10, Self.progress(0), term: 1)
        _ = Self.settle(&stage, behind)
        #expect(Self.lose(10, &stage).jobs.map(\.job) == [.findCheckpoint])
    }

    @Test func slotsThatAPromotedBackupLacksAreGrantedAgain() {
        var stage = Self.training(workers: [20, 21])
        for (shard, low) in [(0, UInt64(10)), (1, 11)] {
            let covered = Self.progress(shard, backup: 1 - shard)
            _ = Self.settle(&stage, Self.tell(&stage, .server, low, covered, term: 1))
        }
        let left = Self.leases(stage.handle(.disconnected(Self.peer(20))))
        #expect(!left.contains { $0.step == Step(0) }, "its slots of step 0 are covered")
        _ = Self.settle(&stage, Self.lose(10, &stage))
        var granted: [Lease] = []
        for shard in [0, 1] {
            let body = Self.progress(shard, missing: [Self.whole])
            let effects = Self.settle(&stage, Self.tell(&stage, .server, 11, body, term: 2))
            granted += Self.leases(effects, to: Self.peer(21))
        }
        #expect(granted.filter { $0.step == Step(0) }.map(\.node) == [Self.whole])
    }

    // MARK: Roll-back

    @Test func aRollBackIsJournaledAndTheLedgerCutBeforeAnythingIsLoaded() {
        var stage = Self.training()
        _ = Self.settle(&stage, Self.tell(&stage, .server, 10, Self.progress(0), term: 1))
        let finding = Self.lose(10, &stage)
        #expect(finding.jobs.map(\.job) == [.findCheckpoint])
        let found = stage.handle(
            .finished(finding.jobs[0].id, .checkpointFound(Self.checkpoint)))
        #expect(found.jobs.map(\.job) == [.journal(.rollingBack(Self.checkpoint))])
        let journaled = stage.handle(.finished(found.jobs[0].id, .journaled))
        #expect(journaled.jobs.map(\.job) == [.cutLedger(.initial)])
        let cut = stage.handle(.finished(journaled.jobs[0].id, .ledgerCut))
        #expect(cut.observations == [.rolledBack(to: Self.checkpoint)])
        for effects in [finding, found, journaled, cut] { #expect(effects.bodies.isEmpty) }
        stage.milliseconds += Limits().rejoinMilliseconds
        let placing = Self.tell(
            &stage, .server, 11, .heartbeat(.plain(.serving, placementRevision: 1)))
        guard case .journal(.placed(let placement))? = placing.jobs.first?.job else {
            Issue.record("nothing is placed: \(placing.jobs)")
            return
        }
        #expect(placement.origin == placement.revision && placement.revision == 2)
        #expect(placement.shards == [PlacementRepairTests.shard(0, 2, 1, nil)])
        #expect(!placing.kinds.contains("roll back"))
        let told = stage.handle(.finished(placing.jobs[0].id, .journaled))
        let rollBack = RollBack(target: Self.checkpoint, placement: placement)
        #expect(told.bodies.contains(.rollBack(rollBack)))
    }

    @Test func aShardWrittenBeforeARollBackIsOfNoLaterCheckpoint() {
        var stage = Self.training()
        _ = Self.settle(&stage, Self.tell(&stage, .server, 10, Self.progress(0), term: 1))
        var effects = Self.lose(10, &stage)
        for outcome in [JobOutcome.checkpointFound(Self.checkpoint), .journaled, .ledgerCut] {
            effects = stage.handle(.finished(effects.jobs[0].id, outcome))
        }
        stage.milliseconds += Limits().rejoinMilliseconds
        let placing = Self.tell(
            &stage, .server, 11, .heartbeat(.plain(.serving, placementRevision: 1)))
        _ = stage.handle(.finished(placing.jobs[0].id, .journaled))
        let late = Self.tell(&stage, .server, 11, Self.written(0, version: 1), term: 1)
        #expect(
            late.observations == [
                .messageIgnored(kind: "shard written", from: Self.peer(11), why: .oldTerm)
            ])
        let new = Self.tell(&stage, .server, 11, Self.written(0, version: 1), term: 2)
        #expect(new.observations.contains(.checkpointStarted(Version(1))))
    }

    @Test func reportsAreIgnoredWhileTheRunGoesBack() {
        var stage = Self.training()
        _ = Self.settle(&stage, Self.tell(&stage, .server, 10, Self.progress(0), term: 1))
        _ = Self.lose(10, &stage)
        let late = Self.tell(&stage, .server, 11, Self.report(1, step: 0), term: 1)
        #expect(late.jobs.isEmpty && late.observations.isEmpty)
    }

    // MARK: Checkpoints

    static func written(_ shard: Int, version: UInt64) -> MessageBody {
        .shardWritten(
            ShardWritten(
                shard: ShardIndex(shard), version: Version(version), files: [],
                description: Fixture.configuration))
    }

    @Test func aManifestWaitsForItsShardsForDurabilityAndForTheLedger() {
        var stage = Self.training()
        var records: [JobID] = []
        for step: UInt64 in [0, 1] {
            for (shard, low) in [(0, UInt64(10)), (1, 11)] {
                // Version 2 is committed, and its backup of shard 1 has only version 1.
                let durable = shard == 1 ? step : step + 1
                let report = Self.report(shard, step: step, durable: durable)
                let effects = Self.tell(&stage, .server, low, report, term: 1)
                records += effects.jobs.map(\.id)
            }
        }
        #expect(records.count == 1, "a batch is on its way to the disk")
        #expect(Self.tell(&stage, .server, 10, Self.written(0, version: 2), term: 1).jobs.isEmpty)
        #expect(Self.tell(&stage, .server, 11, Self.written(1, version: 2), term: 1).jobs.isEmpty)
        let recorded = stage.handle(.finished(records[0], .recorded))
        guard case .record(let rest)? = recorded.jobs.first?.job else {
            Issue.record("step 1 is not recorded: \(recorded.jobs)")
            return
        }
        #expect(rest.map(\.step) == [Step(1)])
        let durable = Self.tell(&stage, .server, 11, Self.progress(1, version: 2), term: 1)
        #expect(durable.jobs.allSatisfy { !Self.isManifest($0.job) }, "the ledger is behind")
        let complete = stage.handle(.finished(recorded.jobs[0].id, .recorded))
        #expect(complete.jobs.count { Self.isManifest($0.job) } == 1)
    }

    static func isManifest(_ job: Job) -> Bool {
        if case .writeManifest = job { true } else { false }
    }

    // MARK: A coordinator that is started again

    /// What the journal of a coordinator of term 1 says of the two servers.
    static var recovered: RecoveredRun {
        let plan = Fixture.plan(slotCount: 4)
        let servers = [PlacementRepairTests.server(0), PlacementRepairTests.server(1)]
        return RecoveredRun([
            RecoveredRunTests.started(1), .numericsClass(NumericsClass("n")),
            .placed(
                Placement.fresh(servers, plan.chunkPlan, term: ShardTerm(1), revision: 1)),
            .backupsInSync([ShardIndex(0), ShardIndex(1)]),
        ])
    }

    static func status(_ shard: Int, version: UInt64) -> ShardStatus {
        ShardStatus(
            shard: ShardIndex(shard), part: .primary, term: ShardTerm(1),
            version: Version(version), durableThrough: Version(version), stateHash: Digest(0))
    }

    @Test func leasesOfAnEarlierCoordinatorStayWithTheirHolders() {
        var stage = Self.stage(predecessors: .alive(Self.recovered), term: 2)
        let held = Lease(
            id: LeaseID(1 << 32 + 1), step: Step(0), node: SlotRange(0, 2),
            attempt: Attempt(1 << 32 + 1))
        let worker = Self.greeting(.worker, 20, leases: [held], revision: 1)
        #expect(Self.tell(&stage, .worker, 20, worker).kinds == ["welcome"])
        for server in [0, 1] {
            let low = UInt64(10 + server)
            let greeting = Self.greeting(
                .server, low, server: server, shards: [Self.status(server, version: 0)],
                revision: 1)
            let welcome = Self.tell(&stage, .server, low, greeting)
            #expect(welcome.kinds.contains("welcome"))
            guard case .welcome(let body)? = welcome.bodies.first else { continue }
            #expect(body.source == .primary, "it keeps what it has")
            let progress = Self.progress(server, missing: [Self.whole], backup: 1 - server)
            _ = Self.settle(&stage, Self.tell(&stage, .server, low, progress, term: 1))
        }
        #expect(Self.leases(Self.beat(&stage, 20)).isEmpty, "others may come with leases")
        stage.milliseconds = Limits().leaseGraceMilliseconds
        let granted = Self.leases(stage.handle(.timerFired(.tick)))
        #expect(granted.map(\.node) == [SlotRange(2, 4), Self.whole])
        #expect(granted.allSatisfy { $0.id.number > 2 << 32 }, "of this coordinator's term")
    }

    @Test func aMemberThatMissedARollBackIsWelcomedWithItsTarget() {
        let entries = RecoveredRunTests.placed(revision: 3, term: 4)
        let recovered = RecoveredRun([
            RecoveredRunTests.started(1), .numericsClass(NumericsClass("n")),
            .placed(RecoveredRunTests.placed(revision: 1, term: 1)),
            .rollingBack(Self.checkpoint), .placed(entries),
        ])
        var stage = Self.stage(predecessors: .alive(recovered), term: 2)
        let greeting = Self.greeting(
            .server, 10, server: 0, shards: [Self.status(0, version: 4)], revision: 1)
        guard case .welcome(let welcome)? = Self.tell(&stage, .server, 10, greeting).bodies.first
        else {
            Issue.record("no welcome")
            return
        }
        #expect(welcome.source == .checkpoint(Self.checkpoint))
    }

    @Test func aStrangerOfTheSameRunIsShownTheNewTerm() {
        var stage = Self.stage(predecessors: .alive(Self.recovered), term: 2)
        let effects = Self.tell(&stage, .worker, 30, .heartbeat(.plain(.idle)))
        guard case .send(let message, Self.peer(30))? = effects.first else {
            Issue.record("no answer in \(effects)")
            return
        }
        #expect(message.body.kind == "heartbeat")
        #expect(message.header.coordinatorTerm == CoordinatorTerm(2))
    }

    @Test func aRunWhoseProcessesAreAllGoneGoesBackToItsCheckpoint() {
        var stage = Self.stage(predecessors: .gone(Self.recovered), term: 2)
        _ = Self.tell(&stage, .server, 12, Self.greeting(.server, 12))
        let last = Self.tell(&stage, .server, 13, Self.greeting(.server, 13))
        guard case .welcome(let welcome)? = Self.settle(&stage, last).bodies.first else {
            Issue.record("no welcome in \(last)")
            return
        }
        #expect(welcome.source == .checkpoint(Self.checkpoint))
        #expect(welcome.placement.shards.allSatisfy { $0.term == ShardTerm(2) })
        #expect(welcome.placement.servers.map(\.index) == [ServerIndex(2), ServerIndex(3)])
    }

    // MARK: Speculation

    @Test func aLateLeaseIsGrantedToAWorkerThatHasNothingToDo() {
        var stage = Self.training(workers: [20, 21])
        // The joiner took its share of step 1; step 0 takes 40 ms.
        stage.milliseconds += 40
        for (shard, low) in [(0, UInt64(10)), (1, 11)] {
            let effects = Self.tell(&stage, .server, low, Self.report(shard, step: 0), term: 1)
            _ = Self.settle(&stage, effects)
        }
        let missing = [SlotRange(2, 4)]
        for (shard, low) in [(0, UInt64(10)), (1, 11)] {
            let body = Self.progress(shard, version: 1, missing: missing, backup: 1 - shard)
            _ = Self.settle(&stage, Self.tell(&stage, .server, low, body, term: 1))
        }
        stage.milliseconds += Limits().latenessMilliseconds
        #expect(Self.leases(stage.handle(.timerFired(.tick))).isEmpty)
        stage.milliseconds += 1
        let effects = stage.handle(.timerFired(.tick))
        let granted = Self.leases(effects, to: Self.peer(20))
        #expect(granted.map(\.step) == [Step(1), Step(2)])
        #expect(granted.map(\.node) == missing + missing, "the next step does not wait for 21")
        stage.milliseconds += 1
        #expect(Self.leases(stage.handle(.timerFired(.tick))).isEmpty, "once is enough")
    }

    // MARK: Leaving

    @Test func aLeavingServerIsReleasedWhenItsShardsHaveMoved() {
        var stage = Self.training()
        let drained = Self.tell(&stage, .server, 10, .drain)
        #expect(Self.placements(drained, to: Self.peer(10)).isEmpty)
        let moved = Self.settle(&stage, drained)
        #expect(Self.placements(moved, to: Self.peer(11)).map(\.revision) == [2])
        let finishes = moved.filter {
            guard case .send(let message, Self.peer(10)) = $0 else { return false }
            return message.body.kind == "finish"
        }
        #expect(finishes.count == 1)
    }

    // MARK: Operators

    @Test func stopRequestsWithin300MillisecondsAreOne() {
        var stage = Self.training()
        #expect(stage.handle(.stopRequested).observations == [.stopping(at: Version(2))])
        stage.milliseconds += Limits().stopRepetitionMilliseconds - 1
        #expect(stage.handle(.stopRequested).termination == nil)
        stage.milliseconds += 1
        #expect(stage.handle(.stopRequested).termination == .aborted)
    }

    @Test func aScaleIsJournaledBeforeItIsAnsweredWithTheStatus() {
        var stage = Self.training()
        let request = MessageBody.scaleRequested(ScaleRequest(workerCount: 5))
        let asked = Self.tell(&stage, .observer, 40, request)
        #expect(asked.jobs.map(\.job) == [.journal(.workersWanted(5))] && asked.bodies.isEmpty)
        let answered = stage.handle(.finished(asked.jobs[0].id, .journaled))
        #expect(answered.observations == [.workersWanted(5)])
        #expect(answered.kinds == ["status"])
    }
}
