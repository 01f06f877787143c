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
        let tensors = list.groups.flatMap { group in
            group.tensors.map { TensorDescription($0, in: group.group, configuration) }
        }
        self.init(
            slotCount: configuration.slots.count, samplesPerSlot: configuration.slots.batch,
            phases: schedule.phases.map(Phase.init), tensors: tensors,
            chunkPlan: ChunkPlan(
                tensors: tensors,
                largestByteCount: configuration.protocol.chunkMebibytes << 20),
            checkpointInterval: UInt64(configuration.checkpointInterval),
            gradientCap: .greatestFiniteMagnitude, lossNames: SlotReport.lossNames,
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

extension SlotReport {
    /// What a trailer's losses are, in order.
    static let lossNames = ["total", "labelled", "weak", "corrector"]
    /// What a trailer's metrics are, in order.
    static let metricNames = ["corrector_dead_share"]
}

/// How a slot's result is told in a trailer.
enum SlotReport {
    static func trailer(_ result: SlotResult) -> Trailer {
        let pixels = UInt64(result.labelledPixels + result.weakPixels)
        guard result.allFinite else {
            return .nonFinite(
                samples: UInt64(result.samples), validPixels: pixels,
                lossCount: lossNames.count, metricCount: metricNames.count)
        }
        return Trailer(
            samples: UInt64(result.samples), validPixels: pixels,
            losses: [
                result.total, result.losses.labelled, result.losses.weak, result.losses.corrector,
            ],
            metrics: [result.correctorDeadShare ?? 0], finiteness: .finite,
            maximumAbsoluteGradient: result.maxAbsGradient)
    }
}

extension TensorDescription {
    init(
        _ tensor: ParameterDeclaration, in group: TensorGroup, _ configuration: Configuration
    ) {
        let multiplier = tensor.kind == .bias ? configuration.optimizer.biasLearningRateMultiplier : 1
        self.init(
            name: tensor.name, group: Group(group), shape: tensor.shape,
            attributes: Attributes(
                weightDecay: tensor.decay == .applied ? .applied : .exempt,
                learningRateMultiplier: Float(multiplier),
                movingAverageDecay: tensor.movingAverageDecay(configuration.network)))
    }
}

extension ParameterDeclaration {
    /// The decay of the part of the network that the statistic belongs to (segmentation.md §1.2).
    fileprivate func movingAverageDecay(_ network: Configuration.Network) -> Float {
        guard role == .statistic else { return 0 }
        guard updates == .movingAverage else { return 1 }
        return Float(name.hasPrefix("features.") ? network.backboneDecay : network.headDecay)
    }
}
