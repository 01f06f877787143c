import Foundation
import Simulation
import Testing
import TrainingProtocol

@Suite struct SimulationTests {
    /// Seeds that once failed, each for a reason of its own.
    static let regressions: [UInt64] = [
        2, 6, 7, 31, 38, 39, 64, 68, 258, 425, 604, 834, 838, 1014, 1143, 1361, 1858, 1903, 1921,
        2065, 2211, 2307,
    ]

    /// They failed in synchronous mode.
    @Test(arguments: regressions)
    func aSeedThatOnceFailedHolds(seed: UInt64) throws {
        for lag: UInt64 in 0...2 {
            var options = SimulationOptions.swarm(seed: seed)
            options.lag = lag
            _ = try Simulation.run(seed: seed, options: options)
        }
    }

    @Test func everySwarmSeedEndsWithTheFaultFreeState() throws {
        let isLong = ProcessInfo.processInfo.environment["EMEND_TEST_LONG"] == "1"
        let sweep = SeedSweep.run(
            1...(isLong ? 20_000 : 160),
            threadCount: ProcessInfo.processInfo.activeProcessorCount)
        if let failure = sweep.failures.first { throw failure }
        #expect(sweep.rollBackCount > 0 && sweep.promotionCount > 0 && sweep.resumptionCount > 0)
    }

    /// An old primary's acknowledgement reached a worker between the placement that deposed it and the
    /// push to the new one, which then never left.
    @Test(arguments: [UInt64(2650), 4649])
    func acknowledgementsOfADeposedPrimarySettleNothing(seed: UInt64) throws {
        #expect(try Simulation.run(seed: seed).termination == .completed)
    }

    @Test(arguments: [1, 3, 4, 7, 8])
    func anyNumberOfServersAndWorkersGivesTheSameState(slotCount: Int) throws {
        for serverCount in 1...3 {
            for workerCount in [1, 2, 3, 5] {
                var options = SimulationOptions()
                options.slotCount = slotCount
                options.serverCount = serverCount
                options.workerCount = workerCount
                let outcome = try Simulation.run(seed: 1, options: options)
                #expect(outcome.termination == .completed)
                #expect(outcome.manifests.last?.version == outcome.plan.finalVersion)
            }
        }
    }

    @Test(arguments: 1...8)
    func aRunGoesOnFromAnyCheckpointOnAnyNumberOfServers(version: UInt64) throws {
        for serverCount in 1...3 {
            var options = SimulationOptions()
            options.serverCount = serverCount
            options.startVersion = version
            let outcome = try Simulation.run(seed: version, options: options)
            #expect(outcome.termination == .completed)
        }
    }

    @Test func equalSeedsGiveEqualTraces() throws {
        for seed: UInt64 in 1...5 {
            let first = try Simulation.run(seed: seed)
            let second = try Simulation.run(seed: seed)
            #expect(first.traceHash == second.traceHash)
            #expect(first.observations == second.observations)
        }
    }

    @Test func nonFiniteStepsAreSkippedAndRecorded() throws {
        var options = SimulationOptions()
        options.nonFiniteOneIn = 2
        let outcome = try Simulation.run(seed: 3, options: options)
        let decisions = outcome.observations.compactMap { observation -> Decision? in
            guard case .stepCommitted(let record) = observation else { return nil }
            return record.decision
        }
        #expect(decisions.count == Int(outcome.plan.stepCount))
        #expect(decisions.contains(.skip) && decisions.contains(.apply))
    }

    @Test(arguments: [UInt64(0), 1, 2], [UInt64(1), 2, 3, 4, 5, 6])
    func aStoppedRunEndsWithACheckpointOfItsLastStep(lag: UInt64, seed: UInt64) throws {
        var options = SimulationOptions()
        options.lag = lag
        options.stepsPerPhase = 30
        options.stopMilliseconds = 900 + seed * 157
        let outcome = try Simulation.run(seed: seed, options: options)
        guard case .stopped(let reference?) = outcome.termination else {
            Issue.record("ended \(outcome.termination)")
            return
        }
        let committed = outcome.observations.count {
            if case .stepCommitted = $0 { true } else { false }
        }
        #expect(reference.version == Version(UInt64(committed)) && committed > 0)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func aBackupLeadsWhatADeadServerLed(seed: UInt64) throws {
        var options = SimulationOptions()
        options.stepsPerPhase = 40
        options.faultsEndMilliseconds = 4_000
        options.serverCrashMilliseconds = 1_500
        let outcome = try Simulation.run(seed: seed, options: options)
        #expect(outcome.termination == .completed)
        let promotions = outcome.observations.count {
            if case .promoted = $0 { true } else { false }
        }
        #expect(promotions > 0)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func aCoordinatorThatIsStartedAgainFindsItsRun(seed: UInt64) throws {
        var options = SimulationOptions()
        options.stepsPerPhase = 40
        options.faultsEndMilliseconds = 4_000
        options.coordinatorCrashMilliseconds = 1_000
        let outcome = try Simulation.run(seed: seed, options: options)
        #expect(outcome.termination == .completed)
        let kinds = outcome.observations.reduce(into: (resumed: 0, rolledBack: 0)) {
            if case .resumed = $1 { $0.resumed += 1 }
            if case .rolledBack = $1 { $0.rolledBack += 1 }
        }
        #expect(kinds.resumed > 0, "it was started again")
    }

    @Test func aRunWithOneServerGoesBackToItsCheckpointWhenThatDies() throws {
        var options = SimulationOptions()
        options.serverCount = 1
        options.stepsPerPhase = 40
        options.faultsEndMilliseconds = 3_000
        options.serverCrashMilliseconds = 1_000
        let outcome = try Simulation.run(seed: 1, options: options)
        #expect(outcome.termination == .completed)
        let rollBacks = outcome.observations.count {
            if case .rolledBack = $0 { true } else { false }
        }
        #expect(rollBacks > 0)
    }
}
