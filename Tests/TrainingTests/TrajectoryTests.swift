import Checkpoints
import Configurations
import Foundation
import Tensors
import Testing
import Training

@Suite("The method is the paper's, step by step")
struct TrajectoryTests {
    @Test(
        "Losses and parameters follow PyTorch's for five steps",
        .enabled(
            if: Places.exists(Places.trajectories),
            "no recordings: run Tests/EndToEndTests/record-trajectories.sh"),
        arguments: Trajectory.all)
    func followsPyTorch(_ trajectory: Trajectory) throws {
        let configuration = trajectory.configuration
        let schedule = try TrainingSchedule(configuration)
        #expect(schedule.phases.map(\.name) == trajectory.phases)
        let trainer = try SlotTrainer(
            configuration,
            source: RecordedBatches(
                path: trajectory.file("batches"), classNames: Trajectory.classNames,
                schedule: schedule),
            pool: ThreadPool(threadCount: 2))
        let parameters = try InitialParameters(configuration, trainer.tensors).buffers
        let expected = try SafetensorsFile(path: trajectory.file("expected"))
        for (index, phase) in schedule.phases.enumerated() {
            let start = phase.trainedGroups.map { Array(parameters[$0]) }
            let losses = try train(trainer, index, parameters)
            let theirs = try expected.floats("\(phase.name.rawValue)/losses", shape: [5])
            for (step, (our, their)) in zip(losses, theirs).enumerated() {
                #expect(
                    abs(our - their) <= 1e-4 * abs(their),
                    "\(phase.name) step \(step): \(our), PyTorch \(their)")
            }
            let theirEnd = try phase.trainedGroups.map {
                try Trajectory.flat(
                    expected, "\(phase.name.rawValue)/after/", trainer.tensors[$0])
            }
            let ourEnd = phase.trainedGroups.map { Array(parameters[$0]) }
            try compare(phase, start, ourEnd, theirEnd, trajectory)
        }
    }

    private func train(
        _ trainer: SlotTrainer, _ phase: Int, _ parameters: FlatBuffers
    ) throws -> [Float] {
        let stage = trainer.schedule.phases[phase]
        let gradients = FlatBuffers(trainer.tensors, groups: stage.trainedGroups)
        var descent = MomentumDescent(trainer.tensors, trainer.configuration, stage)
        return try (0..<stage.stepCount).map { step in
            let result = try trainer.compute(
                phase: phase, stepInPhase: step, slot: 0, parameters: parameters,
                gradients: gradients)
            #expect(result.allFinite)
            #expect(result.samples == 4)
            descent.apply(gradients, to: parameters, stepInPhase: step)
            return result.total
        }
    }

    private func compare(
        _ phase: TrainingSchedule.Phase, _ start: [[Float]], _ ours: [[Float]],
        _ theirs: [[Float]], _ trajectory: Trajectory
    ) throws {
        func joined(_ kind: TensorGroup.UpdateKind, _ values: [[Float]]) -> [Float] {
            zip(phase.trainedGroups, values).flatMap { $0.updateKind == kind ? $1 : [] }
        }
        for kind in [TensorGroup.UpdateKind.descent, .movingAverage] {
            let distance = Trajectory.relativeDistance(
                joined(kind, ours), joined(kind, theirs), from: joined(kind, start))
            #expect(
                distance <= trajectory.tolerance,
                "\(phase.name), \(kind): \(distance) of the change")
        }
    }
}
