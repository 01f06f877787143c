import Simulation
import Testing
import TrainingProtocol

@Suite struct SimulationTests {
    /// Seeds that once failed come first.
    static let seeds: [UInt64] = Array(1...300)

    @Test func everySwarmSeedEndsWithTheFaultFreeState() throws {
        for seed in Self.seeds {
            do {
                let outcome = try Simulation.run(seed: seed)
                guard outcome.termination == .completed else {
                    Issue.record("seed \(seed) ended \(outcome.termination)")
                    continue
                }
            } catch {
                Issue.record("\(error)")
            }
        }
    }
}
