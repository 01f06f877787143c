import Simulation
import Testing
import TrainingProtocol

@Suite struct SimulationTests {
    /// Seeds that once failed, then the first ones.
    static let seeds: [UInt64] = [29, 36, 56, 105, 157, 283] + Array(1...150)

    @Test func everySwarmSeedEndsWithTheFaultFreeState() throws {
        for seed in Self.seeds {
            let outcome = try Simulation.run(seed: seed)
            #expect(outcome.termination == .completed, "seed \(seed)")
        }
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

    @Test(arguments: 1...9)
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

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6])
    func aStoppedRunEndsWithACheckpointOfItsLastStep(seed: UInt64) throws {
        var options = SimulationOptions()
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

    @Test func aServersDeathEndsTheRunForAllNamingIt() throws {
        var options = SimulationOptions()
        options.stepsPerPhase = 100
        options.serverCrashMilliseconds = 1_500
        let outcome = try Simulation.run(seed: 1, options: options)
        guard case .serverLost = outcome.termination else {
            Issue.record("ended \(outcome.termination)")
            return
        }
        for (name, reason) in outcome.terminations where name.hasPrefix("worker") {
            guard case .runFailed(let explanation)? = reason else {
                Issue.record("\(name) ended \(String(describing: reason))")
                continue
            }
            #expect(explanation.contains("server"))
        }
    }
}
