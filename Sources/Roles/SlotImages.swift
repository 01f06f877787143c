import Configurations
import Datasets
import Training
import TrainingProtocol

/// Which images a slot of a run has, for whoever must name them; opens no file.
struct SlotImages: Sendable {
    private let source: (index: DatasetIndex, schedule: TrainingSchedule)?
    private let description: RunDescription

    /// Throws `TrainingError.schedule` where the phases make no sense together.
    init(_ description: RunDescription) throws {
        let schedule = try TrainingSchedule(description.configuration)
        source = description.dataset.map { ($0, schedule) }
        self.description = description
    }

    /// The images' names in batch order; empty where they come from a recording.
    func names(of step: Step, slot: Int) -> [String] {
        guard let (index, schedule) = source else { return [] }
        let (phase, stepInPhase) = schedule.position(ofStep: Int(step.index))
        let configuration = description.configuration
        let request = BatchRequest(
            configuration, schedule, phase: phase, stepInPhase: stepInPhase, slot: slot)
        return (try? index.imageNames(of: request, seed: configuration.seed)) ?? []
    }
}
