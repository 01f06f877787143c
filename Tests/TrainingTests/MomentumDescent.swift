import Configurations
import Tensors
import Training

/// The paper's rule written plainly, on flat buffers of one process: v ← m·v + g + wd·w,
/// w ← w − lr·v with the polynomial schedule; running statistics by moving average.
struct MomentumDescent {
    private let tensors: TensorList
    private let configuration: Configuration
    private let phase: TrainingSchedule.Phase
    private var velocity: [TensorGroup: [Float]] = [:]

    init(_ tensors: TensorList, _ configuration: Configuration, _ phase: TrainingSchedule.Phase) {
        self.tensors = tensors
        self.configuration = configuration
        self.phase = phase
        for group in phase.trainedGroups where group.updateKind == .descent {
            velocity[group] = [Float](repeating: 0, count: tensors[group].elementCount)
        }
    }

    mutating func apply(_ gradients: FlatBuffers, to parameters: FlatBuffers, stepInPhase: Int) {
        for group in phase.trainedGroups {
            switch group.updateKind {
            case .descent: descend(group, gradients, parameters, stepInPhase)
            case .movingAverage: average(group, gradients, parameters, stepInPhase)
            }
        }
    }

    private mutating func descend(
        _ group: TensorGroup, _ gradients: FlatBuffers, _ parameters: FlatBuffers, _ step: Int
    ) {
        let rule = configuration.optimizer
        let progress = Double(step) / Double(phase.stepCount)
        let rate = phase.baseLearningRate * power(1 - progress, rule.power)
        let weights = parameters[group], g = gradients[group]
        for (tensor, offset) in zip(tensors[group].tensors, tensors[group].offsets) {
            let decay = tensor.decay == .applied ? Float(rule.weightDecay) : 0
            let own = Float(
                rate * (tensor.kind == .bias ? rule.biasLearningRateMultiplier : 1))
            for i in offset..<offset + tensor.count {
                let v = Float(rule.momentum) * velocity[group]![i] + (g[i] + decay * weights[i])
                velocity[group]![i] = v
                weights[i] -= own * v
            }
        }
    }

    private func average(
        _ group: TensorGroup, _ gradients: FlatBuffers, _ parameters: FlatBuffers, _ step: Int
    ) {
        let running = parameters[group], batch = gradients[group]
        for (tensor, offset) in zip(tensors[group].tensors, tensors[group].offsets)
        where tensor.updates == .movingAverage {
            let configured =
                tensor.name.hasPrefix("features.")
                ? configuration.network.backboneDecay : configuration.network.headDecay
            let decay = Float(min(configured, Double(1 + step) / Double(10 + step)))
            for i in offset..<offset + tensor.count {
                running[i] = decay * running[i] + (1 - decay) * batch[i]
            }
        }
    }
}
