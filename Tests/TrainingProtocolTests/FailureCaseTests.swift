import Simulation
import Testing
import TrainingProtocol

/// The failure cases of a parameter server, by their numbers; a simulation that returns has kept
/// all invariants: each commit has the bits of the run without faults, from each slot once.
///
/// Cases that mean nothing to machines in virtual time are shown elsewhere:
///
/// | case | where |
/// |---|---|
/// | 18, a zombie of another job | `ServerMachineTests.messagesOfAnotherRunOrProtocolAreRefused…`; keys come with clusters of several hosts |
/// | 20, a full disk | here as a failing write; `FullDiskTests` on a real file system |
/// | 22, a missing sample | `WorkerMachineTests.aFailedSlotIsGivenBack…`, `CoordinatorMachineTests.slotsThatEveryWorkerRefuses…` |
/// | 24, the launcher's terminal closes | `LauncherTests`, `SignalTests` |
@Suite("The failure cases of a parameter server")
struct FailureCaseTests {
    static let seeds: [UInt64] = [1, 2, 3, 4, 5]

    /// Two servers and two workers; nothing goes wrong but the script.
    static func options(_ script: ScriptedFault...) -> SimulationOptions {
        var options = SimulationOptions()
        options.stepsPerPhase = 6
        options.script = script
        return options
    }

    /// Runs to the end, which must be the complete run's.
    static func complete(
        _ seed: UInt64, _ options: SimulationOptions
    ) throws -> Simulation.Outcome {
        let outcome = try Simulation.run(seed: seed, options: options)
        #expect(outcome.termination == .completed)
        return outcome
    }

    static func departures(_ outcome: Simulation.Outcome, _ role: Role) -> [Observation.Departure] {
        outcome.observations.compactMap {
            if case .left(_, role, let departure) = $0 { departure } else { nil }
        }
    }

    static func joined(_ outcome: Simulation.Outcome, _ role: Role) -> [MemberID] {
        outcome.observations.compactMap {
            if case .joined(let member, role, _, _) = $0 { member } else { nil }
        }
    }

    static func promotions(_ outcome: Simulation.Outcome) -> [Version] {
        outcome.observations.compactMap {
            if case .promoted(_, _, let version) = $0 { version } else { nil }
        }
    }

    static func rollBacks(_ outcome: Simulation.Outcome) -> [Version] {
        outcome.observations.compactMap {
            if case .rolledBack(let target) = $0 { target.version } else { nil }
        }
    }

    static func resumptions(_ outcome: Simulation.Outcome) -> Int {
        outcome.observations.count { if case .resumed = $0 { true } else { false } }
    }

    static func isDeclaredLost(_ reason: TerminationReason?) -> Bool {
        if case .refused(let refusal)? = reason { refusal.code == .declaredLost } else { false }
    }

    /// Nodes that were granted to several members.
    static func grantedAgain(_ outcome: Simulation.Outcome) -> Int {
        let leases = outcome.observations.compactMap {
            observation -> (lease: Lease, member: MemberID)? in
            if case .leased(let lease, let member) = observation { (lease, member) } else { nil }
        }
        return leases.count { one in
            leases.contains { other in
                other.lease.step == one.lease.step && other.member < one.member
                    && other.lease.node.overlaps(one.lease.node)
            }
        }
    }

    // MARK: Workers

    @Test(arguments: seeds)
    func case01WorkerDiesBeforePush(seed: UInt64) throws {
        let fault = ScriptedFault(.crash, .worker(0), .before("push", 1, of: .worker(0)))
        let outcome = try Self.complete(seed, Self.options(fault))
        #expect(Self.departures(outcome, .worker).first == .disconnected)
        #expect(Self.grantedAgain(outcome) > 0)
    }

    @Test(arguments: seeds)
    func case02WorkerDiesMidPush(seed: UInt64) throws {
        let fault = ScriptedFault(.crash, .worker(0), .before("push", 2, of: .worker(0)))
        let outcome = try Self.complete(seed, Self.options(fault))
        #expect(Self.grantedAgain(outcome) > 0)
    }

    @Test(arguments: seeds)
    func case03PausedWorkerWakesAndPushes(seed: UInt64) throws {
        let fault = ScriptedFault(
            .pause(milliseconds: 4_000), .worker(0), .after("push", 1, of: .worker(0)))
        var options = Self.options(fault)
        // Long enough to be there when it wakes.
        options.stepsPerPhase = 100
        let outcome = try Self.complete(seed, options)
        guard case .silent? = Self.departures(outcome, .worker).first else {
            Issue.record("\(Self.departures(outcome, .worker))")
            return
        }
        #expect(outcome.terminations.contains { Self.isDeclaredLost($0.reason) })
    }

    @Test(arguments: seeds)
    func case04RestartedWorkerIsAnother(seed: UInt64) throws {
        let fault = ScriptedFault(.crash, .worker(0), .before("push", 3, of: .worker(0)))
        var options = Self.options(fault)
        options.stepsPerPhase = 20
        let members = Self.joined(try Self.complete(seed, options), .worker)
        #expect(members.count == 3 && Set(members).count == 3)
    }

    @Test(arguments: seeds)
    func case05AllWorkersDie(seed: UInt64) throws {
        let moment = ScriptedFault.Moment.after("push", 4, of: .worker(0))
        var options = Self.options(
            ScriptedFault(.crash, .worker(0), moment), ScriptedFault(.crash, .worker(1), moment))
        options.restartMilliseconds = 5_000
        let outcome = try Self.complete(seed, options)
        #expect(Self.joined(outcome, .worker).count >= 3)
        #expect(Self.rollBacks(outcome).isEmpty, "the servers hold what was pushed")
    }

    @Test(arguments: seeds)
    func case06WorkerJoinsMidStep(seed: UInt64) throws {
        let fault = ScriptedFault(.join, .worker(0), .after("push", 5, of: .worker(0)))
        var options = Self.options(fault)
        options.stepsPerPhase = 20
        let outcome = try Self.complete(seed, options)
        let members = Self.joined(outcome, .worker)
        let joiner = try #require(members.last)
        #expect(members.count == 3)
        let took = outcome.observations.contains {
            if case .leased(_, joiner) = $0 { true } else { false }
        }
        #expect(took, "it takes its share")
    }

    @Test func case07HeterogeneousProcessorJoins() {
        for policy in [NumericsPolicy.strict, .loose] {
            var stage = CoordinatorMachineTests.stage(slotCount: 1, policy: policy)
            _ = CoordinatorMachineTests.greet(&stage, .worker, 20)
            let other = CoordinatorMachineTests.greeting(.worker, numerics: "m")
            let effects = CoordinatorMachineTests.greet(&stage, .worker, 21, other)
            switch policy {
            case .strict: #expect(effects.kinds == ["refusal"])
            case .loose:
                let flag = Observation.looseNumerics(
                    NumericsClass("m"), expected: NumericsClass("n"))
                #expect(effects.observations.contains(flag))
            }
        }
    }

    @Test(arguments: seeds)
    func case23StragglerGetsCompany(seed: UInt64) throws {
        let fault = ScriptedFault(.slow(times: 40), .worker(0), .at(milliseconds: 600))
        var options = Self.options(fault)
        options.stepsPerPhase = 20
        let outcome = try Self.complete(seed, options)
        let copies = outcome.observations.count {
            if case .speculated = $0 { true } else { false }
        }
        #expect(copies > 0)
        #expect(Self.departures(outcome, .worker).allSatisfy { $0 == .drained }, "it may stay")
    }

    // MARK: Servers

    @Test(arguments: seeds)
    func case08PrimaryDiesBeforeReplication(seed: UInt64) throws {
        // Step 1: at step 0 its backup may not be known to be in sync yet.
        let fault = ScriptedFault(
            .crash, .server(0), .before("decision replicated", 2, of: .server(0)))
        let outcome = try Self.complete(seed, Self.options(fault))
        #expect(Self.promotions(outcome).first == Version(1), "step 1 is committed again")
        #expect(Self.rollBacks(outcome).isEmpty)
    }

    @Test(arguments: seeds)
    func case09PrimaryDiesAfterReplication(seed: UInt64) throws {
        let fault = ScriptedFault(
            .crash, .server(0), .after("decision replicated", 2, of: .server(0)))
        let outcome = try Self.complete(seed, Self.options(fault))
        #expect(Self.promotions(outcome).first == Version(2), "its backup has step 1")
        #expect(Self.rollBacks(outcome).isEmpty)
    }

    @Test(arguments: seeds)
    func case10BackupDies(seed: UInt64) throws {
        let fault = ScriptedFault(
            .crash, .server(1), .before("replica acknowledged", 6, of: .server(1)))
        var options = Self.options(fault)
        options.stepsPerPhase = 40
        let outcome = try Self.complete(seed, options)
        #expect(Self.rollBacks(outcome).isEmpty)
        let placements = outcome.observations.compactMap { observation -> Placement? in
            if case .placementChanged(let placement) = observation { placement } else { nil }
        }
        let isDegraded = placements.contains { $0.shards.allSatisfy { $0.backup == nil } }
        #expect(isDegraded, "it goes on alone")
        #expect(placements.last?.shards.allSatisfy { $0.backup != nil } == true, "healed")
        let filled = outcome.observations.count { if case .filled = $0 { true } else { false } }
        #expect(filled >= 2)
    }

    @Test(arguments: seeds)
    func case11BothCopiesDie(seed: UInt64) throws {
        let moment = ScriptedFault.Moment.after("decision replicated", 4, of: .server(0))
        let options = Self.options(
            ScriptedFault(.crash, .server(0), moment), ScriptedFault(.crash, .server(1), moment))
        let outcome = try Self.complete(seed, options)
        #expect(Self.rollBacks(outcome).count == 1)
    }

    @Test(arguments: seeds)
    func case12ShardsDifferByAVersion(seed: UInt64) throws {
        // The second shard hears nothing from the workers while the first goes a step ahead.
        let moment = ScriptedFault.Moment.after("decision replicated", 3, of: .server(0))
        let options = Self.options(
            ScriptedFault(.cut(from: .server(1), milliseconds: 800), .worker(0), moment),
            ScriptedFault(.cut(from: .server(1), milliseconds: 800), .worker(1), moment),
            ScriptedFault(.crash, .server(0), .after("decision replicated", 4, of: .server(0))))
        let outcome = try Self.complete(seed, options)
        #expect(Self.promotions(outcome).first == Version(4))
        #expect(Self.rollBacks(outcome).isEmpty)
    }

    // MARK: The coordinator

    @Test(arguments: seeds)
    func case13CoordinatorDies(seed: UInt64) throws {
        let fault = ScriptedFault(
            .crash, .coordinator(0), .before("lease", 7, of: .coordinator(0)))
        var options = Self.options(fault)
        options.restartMilliseconds = 2_500
        let outcome = try Self.complete(seed, options)
        #expect(Self.resumptions(outcome) == 1)
        #expect(Self.rollBacks(outcome).isEmpty && Self.promotions(outcome).isEmpty)
    }

    @Test(arguments: seeds)
    func case14CoordinatorAndServerDieTogether(seed: UInt64) throws {
        let moment = ScriptedFault.Moment.after("decision replicated", 3, of: .server(0))
        let options = Self.options(
            ScriptedFault(.crash, .server(0), moment),
            ScriptedFault(.crash, .coordinator(0), moment))
        let outcome = try Self.complete(seed, options)
        #expect(Self.resumptions(outcome) == 1)
        #expect(!Self.promotions(outcome).isEmpty && Self.rollBacks(outcome).isEmpty)
    }

    // MARK: The network

    @Test(arguments: seeds)
    func case15WorkerCannotReachOneServer(seed: UInt64) throws {
        let fault = ScriptedFault(
            .cut(from: .server(0), milliseconds: 6_000), .worker(0),
            .after("push", 8, of: .worker(0)))
        var options = Self.options(fault)
        options.stepsPerPhase = 20
        let outcome = try Self.complete(seed, options)
        let copies = outcome.observations.count {
            if case .speculated = $0 { true } else { false }
        }
        #expect(copies > 0, "another worker computes what the cut holds back")
        #expect(copies < 4, "and the next steps do not wait for it")
        #expect(Self.promotions(outcome).isEmpty, "one worker's word fells no server")
    }

    @Test(arguments: seeds)
    func case16CoordinatorCannotReachAPrimary(seed: UInt64) throws {
        let fault = ScriptedFault(
            .cut(from: .coordinator(0), milliseconds: 4_000), .server(0),
            .after("decision replicated", 2, of: .server(0)))
        var options = Self.options(fault)
        options.stepsPerPhase = 60
        let outcome = try Self.complete(seed, options)
        guard case .silent? = Self.departures(outcome, .server).first else {
            Issue.record("\(Self.departures(outcome, .server))")
            return
        }
        #expect(!Self.promotions(outcome).isEmpty && Self.rollBacks(outcome).isEmpty)
        #expect(outcome.terminations.contains { Self.isDeclaredLost($0.reason) }, "fenced")
    }

    @Test(arguments: seeds)
    func case17MessagesAreLostDoubledReorderedAndDamaged(seed: UInt64) throws {
        var options = Self.options()
        options.faultsEndMilliseconds = 10_000
        options.stepsPerPhase = 20
        (options.lossOneIn, options.duplicateOneIn) = (15, 5)
        (options.reorderOneIn, options.corruptOneIn) = (10, 12)
        let outcome = try Self.complete(seed, options)
        let damaged = outcome.observations.contains {
            if case .contributionRefused(_, _, .corrupt, _) = $0 { true } else { false }
        }
        #expect(damaged)
    }

    // MARK: Disks, numbers, clocks, builds

    @Test(arguments: seeds)
    func case19CrashDuringACheckpoint(seed: UInt64) throws {
        // Checkpoint 3 is written in part when both servers die.
        let moment = ScriptedFault.Moment.before("shard written", 1, of: .server(1))
        let options = Self.options(
            ScriptedFault(.crash, .server(0), moment), ScriptedFault(.crash, .server(1), moment))
        let outcome = try Self.complete(seed, options)
        #expect(Self.rollBacks(outcome) == [.initial], "there is no manifest of version 3")
    }

    @Test(arguments: seeds)
    func case20DiskFailsAndTrainingGoesOn(seed: UInt64) throws {
        var options = Self.options()
        options.faultsEndMilliseconds = 2_000
        options.diskFailureOneIn = 8
        options.stepsPerPhase = 20
        let outcome = try Self.complete(seed, options)
        let failed = outcome.observations.contains {
            if case .checkpointFailed = $0 { true } else { false }
        }
        #expect(failed)
    }

    @Test(arguments: seeds)
    func case21NonFiniteGradientIsSkippedAndRecorded(seed: UInt64) throws {
        var options = Self.options()
        options.nonFiniteOneIn = 2
        let outcome = try Self.complete(seed, options)
        let skipped = outcome.observations.contains {
            if case .stepCommitted(let record) = $0 { record.decision == .skip } else { false }
        }
        #expect(skipped)
    }

    @Test(arguments: seeds)
    func case25ClocksDisagree(seed: UInt64) throws {
        var options = Self.options()
        options.clockSkew = .tenth
        let outcome = try Self.complete(seed, options)
        #expect(Self.rollBacks(outcome).isEmpty && Self.promotions(outcome).isEmpty)
        for role in [Role.server, .worker] {
            #expect(Self.departures(outcome, role).allSatisfy { $0 == .drained })
        }
    }

    @Test func case26FlippedBitShowsWhereASlotIsComputedTwice() {
        var stage = ServerMachineTests.serving(slotCount: 2)
        let first = ServerMachineTests.push(0, 1, values: [1, 2])
        _ = ServerMachineTests.deliver(first, to: &stage)
        let flipped = ServerMachineTests.push(0, 1, attempt: 2, digest: 8, values: [1, 3])
        let effects = ServerMachineTests.deliver(flipped, to: &stage, from: 6)
        #expect(ServerMachineTests.outcomes(effects) == [.mismatch])
    }

    @Test func case27OtherConfigurationOrBuildIsRefusedNamingBoth() throws {
        var stage = CoordinatorMachineTests.stage(slotCount: 1)
        let hash = ContentHash(Array(repeating: 9, count: 32))
        let strangers: [(MessageBody, [String])] = [
            (
                CoordinatorMachineTests.greeting(.worker, hash: hash),
                ["\(hash)", "\(Fixture.configurationHash)"]
            ), (CoordinatorMachineTests.greeting(.server, build: "b2"), ["b1", "b2"]),
        ]
        for (index, (greeting, words)) in strangers.enumerated() {
            let role = index == 0 ? Role.worker : .server
            let effects = CoordinatorMachineTests.greet(&stage, role, 30 + UInt64(index), greeting)
            guard case .refusal(let refusal)? = effects.bodies.first else {
                Issue.record("no refusal in \(effects)")
                continue
            }
            for word in words { #expect(refusal.explanation.contains(word)) }
        }
    }
}
