import Configurations
import Datasets
import Tensors
import Training

/// A run small enough to compute many of its slots: the tiny backbone, three classes, crops of 33.
enum TinyRun {
    static let classNames = ["background", "disc", "square"]

    static func configuration(_ method: Configuration.Method) -> Configuration {
        var c = Configuration()
        c.seed = 7
        c.method = method
        c.network.backbone = .tiny
        c.network.asppChannels = 16
        c.network.lowLevelChannels = 8
        c.network.decoderChannels = 16
        c.corrector.channels = 12
        c.slots.count = 3
        c.slots.batch = 4
        c.phases.ancillary.steps = 4
        c.phases.warmup.steps = 4
        c.phases.main.steps = 4
        c.data.crop = 33
        return c
    }

    /// What one slot computed: result and gradients of all trained groups, in list order.
    struct Outcome: Equatable {
        var result: SlotResult
        var gradients: [[Float]]
    }

    /// Computes one slot of a fresh trainer from the initial parameters.
    static func compute(
        _ configuration: Configuration, phase name: TrainingSchedule.PhaseName,
        stepInPhase: Int = 0, slot: Int = 0, threads: Int = 1, pool: ThreadPool? = nil,
        source: any BatchSource = MadeUpBatches(classNames: classNames),
        change: (FlatBuffers) -> Void = { _ in }
    ) throws -> Outcome {
        let trainer = try SlotTrainer(
            configuration, source: source, pool: pool ?? ThreadPool(threadCount: threads))
        let parameters = try InitialParameters(configuration, trainer.tensors).buffers
        change(parameters)
        let index = trainer.schedule.phases.firstIndex { $0.name == name }!
        let groups = trainer.schedule.phases[index].trainedGroups
        let gradients = FlatBuffers(trainer.tensors, groups: groups)
        let result = try trainer.compute(
            phase: index, stepInPhase: stepInPhase, slot: slot, parameters: parameters,
            gradients: gradients)
        return Outcome(result: result, gradients: groups.map { Array(gradients[$0]) })
    }
}

/// A source that changes what another one gives.
struct ChangedBatches: BatchSource {
    let change: @Sendable (inout SlotBatch) -> Void
    private let source = MadeUpBatches(classNames: TinyRun.classNames)

    init(_ change: @escaping @Sendable (inout SlotBatch) -> Void) { self.change = change }

    var classNames: [String] { source.classNames }

    func batch(_ request: BatchRequest) throws -> SlotBatch {
        var batch = source.batch(request)
        change(&batch)
        return batch
    }
}
