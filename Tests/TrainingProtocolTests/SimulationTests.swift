import Simulation
import Testing
import TrainingProtocol

@Suite struct SimulationTests {
    @Test func aFaultFreeRunCompletes() throws {
        let outcome = try Simulation.run(seed: 1, options: SimulationOptions())
        #expect(outcome.termination == .completed)
    }
}
