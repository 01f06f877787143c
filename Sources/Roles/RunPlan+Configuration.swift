import Configurations
import Networks
import Tensors
import Training
import TrainingProtocol

extension RunPlan {
    /// The plan of a run: phases, tensors and chunks as pure functions of its description.
    ///
    /// Throws `TrainingError.schedule` where the phases make no sense together.
    init(_ description: RunDescription) throws {
        let configuration = description.configuration
        let schedule = try TrainingSchedule(configuration)
        let list = try TensorList(configuration, classCount: description.classNames.count)
        let shape = try NetworkShape(configuration, classCount: description.classNames.count)
        let tensors = list.groups.flatMap { group in
            group.tensors.map {
                TensorDescription($0, in: group.group, configuration.optimizer, shape)
            }
        }
        let largestByteCount = configuration.protocol.chunkMebibytes << 20
        self.init(
            slotCount: configuration.slots.count, samplesPerSlot: configuration.slots.batch,
            phases: schedule.phases.map(Phase.init), tensors: tensors,
            chunkPlan: ChunkPlan(
                tensors: tensors, smallestByteCount: min(1 << 20, largestByteCount / 2),
                largestByteCount: largestByteCount),
            checkpointInterval: UInt64(configuration.checkpointInterval),
            gradientCap: Float(configuration.gradients.cap),
            nonFinitePolicy: configuration.gradients.badSlot == .skip ? .skip : .stop,
            lag: UInt64(configuration.protocol.consistency.lag),
            gradientFormat: GradientFormat(configuration.gradients.format),
            lossNames: SlotReport.lossNames,
            metricNames: SlotReport.metricNames)
    }
}

extension Configuration {
    /// Steps between checkpoints: evaluation during training reads checkpoints, so both fall together.
    var checkpointInterval: Int {
        switch (checkpoint.every, evaluate.every) {
        case (0, let evaluation): evaluation
        case (let interval, 0): interval
        case (let interval, let evaluation): greatestCommonDivisor(interval, evaluation)
        }
    }

    private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
        b == 0 ? a : greatestCommonDivisor(b, a % b)
    }
}

extension GradientFormat {
    init(_ format: Configuration.Gradients.Format) {
        switch format {
        case .float32: self = .float32
        case .bf16: self = .bfloat16
        }
    }
}

extension Phase {
    init(_ phase: TrainingSchedule.Phase) {
        self.init(
            name: phase.name.rawValue, firstStep: Step(UInt64(phase.firstStep)),
            stepCount: UInt64(phase.stepCount),
            trainedGroups: phase.trainedGroups.map(Group.init),
            readGroups: phase.readGroups.map(Group.init))
    }
}

extension Group {
    init(_ group: TensorGroup) {
        switch group {
        case .primary: self = .primary
        case .ancillary: self = .ancillary
        case .corrector: self = .corrector
        case .primaryStatistics: self = .primaryStatistics
        case .ancillaryStatistics: self = .ancillaryStatistics
        }
    }

    var tensorGroup: TensorGroup {
        switch self {
        case .primary: .primary
        case .ancillary: .ancillary
        case .corrector: .corrector
        case .primaryStatistics: .primaryStatistics
        case .ancillaryStatistics: .ancillaryStatistics
        }
    }
}

extension TensorDescription {
    init(
        _ tensor: ParameterDeclaration, in group: TensorGroup,
        _ optimizer: Configuration.Optimizer, _ shape: NetworkShape
    ) {
        let multiplier = tensor.kind == .bias ? optimizer.biasLearningRateMultiplier : 1
        self.init(
            name: tensor.name, group: Group(group), shape: tensor.shape,
            attributes: Attributes(
                weightDecay: tensor.decay == .applied ? .applied : .exempt,
                learningRateMultiplier: Float(multiplier),
                movingAverageDecay: Self.movingAverageDecay(of: tensor, shape)))
    }

    /// 0 for weights, 1 for statistics that never move.
    private static func movingAverageDecay(
        of tensor: ParameterDeclaration, _ shape: NetworkShape
    ) -> Float {
        guard tensor.role == .statistic else { return 0 }
        return tensor.updates == .never ? 1 : Float(shape.movingAverageDecay(of: tensor))
    }
}
