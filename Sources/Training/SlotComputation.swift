import CKernels
import Configurations
import Datasets
import Networks
import SelfCorrection
import Tensors

/// The compiled networks of one phase and how a slot's gradients come from them.
final class SlotComputation {
    let phase: TrainingSchedule.Phase
    private let configuration: Configuration
    private let trained: NetworkPlan
    /// The frozen ancillary model with the slot's images from `first` on.
    private let frozen: (network: NetworkPlan, first: Int)?
    private let corrector: CorrectorPlans?
    private let objective: SlotObjective
    private let weights: LossWeights
    private let scan: GradientScan
    /// Ancillary logits `[batch, height, width, classes]`; those that nobody reads stay 0.
    private let ancillaryLogits: UnsafeMutableBufferPointer<Float>

    /// Compiles the plans of a phase, the only time that it allocates.
    init(
        _ configuration: Configuration, _ phase: TrainingSchedule.Phase, _ shape: NetworkShape,
        pool: ThreadPool
    ) {
        self.configuration = configuration
        self.phase = phase
        let networks = PhaseNetworks(configuration, phase, shape)
        let products = networks.products
        trained = NetworkPlan(
            networks.trained, of: networks.model, mode: .training, pool: pool, products: products)
        frozen = networks.frozen.map {
            let plan = NetworkPlan(
                $0.network, of: .ancillary, mode: .evaluation, pool: pool, products: products)
            return (plan, $0.first)
        }
        corrector = networks.correctors.map {
            CorrectorPlans($0, pool: pool, products: products)
        }
        let logits = trained.logitsShape, side = configuration.data.crop
        objective = SlotObjective(
            LogitGrid(
                height: logits.height, width: logits.width, classes: logits.channels,
                labelHeight: side, labelWidth: side),
            batch: phase.imagesPerSlot, labelled: phase.labelledPerSlot, pool: pool)
        weights = LossWeights(configuration.loss)
        scan = GradientScan(pool: pool)
        ancillaryLogits = .allocate(capacity: frozen == nil ? 0 : logits.count)
        ancillaryLogits.initialize(repeating: 0)
    }

    deinit { ancillaryLogits.deallocate() }

    /// Computes the slot; `gradients` receives all trained groups, and `finished` is told in backward
    /// order which elements of the network's weights have their final values.
    func run(
        _ batch: SlotBatch, stepInPhase: Int, dropoutKey: UInt64, _ parameters: FlatBuffers,
        into gradients: FlatBuffers, finished: (TensorGroup, Range<Int>) -> Void
    ) -> SlotResult {
        trained.fill(images: batch.images, boxes: batch.boxes, first: 0)
        trained.forward(parameters, dropoutKey: dropoutKey)
        applyFrozenAncillary(batch, parameters)
        corrector?.forward(
            primary: trained.logits.baseAddress!,
            ancillary: UnsafePointer(ancillaryLogits.baseAddress!), parameters)
        let loss = evaluateObjective(batch, stepInPhase: stepInPhase)
        corrector?.backward(
            parameters, into: gradients, primaryGradient: trained.logitsGradient)
        trained.backward(parameters, into: gradients, finished: finished)
        return result(loss, gradients)
    }

    private func applyFrozenAncillary(_ batch: SlotBatch, _ parameters: FlatBuffers) {
        guard let frozen else { return }
        frozen.network.fill(images: batch.images, boxes: batch.boxes, first: frozen.first)
        frozen.network.forward(parameters, dropoutKey: 0)
        let output = frozen.network.logits
        let start = ancillaryLogits.count - output.count
        (ancillaryLogits.baseAddress! + start).update(
            from: output.baseAddress!, count: output.count)
    }

    private func evaluateObjective(_ batch: SlotBatch, stepInPhase: Int) -> SlotObjective.Loss {
        let logits = SlotObjective.Logits(
            primary: trained.logits.baseAddress!,
            ancillary: ancillaryLogits.baseAddress.map { UnsafePointer($0) },
            corrector: corrector.map { UnsafePointer($0.logits.baseAddress!) })
        return batch.labels.withUnsafeBufferPointer { labels in
            batch.valid.withUnsafeBufferPointer { valid in
                batch.boxes.withUnsafeBufferPointer { boxes in
                    objective.evaluate(
                        phase.objective.slotObjective(
                            configuration, stepInPhase: stepInPhase, stepCount: phase.stepCount),
                        logits,
                        SlotObjective.Truth(
                            labels: labels.baseAddress!, valid: valid.baseAddress,
                            boxes: boxes.isEmpty ? nil : boxes.baseAddress),
                        weights: weights,
                        primaryGradient: trained.logitsGradient.baseAddress!,
                        correctorGradient: corrector?.logitsGradient.baseAddress)
                }
            }
        }
    }

    private func result(_ loss: SlotObjective.Loss, _ gradients: FlatBuffers) -> SlotResult {
        var result = SlotResult()
        result.losses.labelled = Float(loss.labelled.mean)
        result.losses.weak = Float(loss.weak.mean)
        result.losses.corrector = Float(loss.corrector.mean)
        result.total = Float(loss.total)
        result.samples = phase.imagesPerSlot
        result.labelledPixels = loss.labelled.pixels
        result.weakPixels = loss.weak.pixels
        result.allFinite = loss.total.isFinite
        for group in phase.trainedGroups {
            let (maximum, finite) = scan(UnsafeBufferPointer(gradients[group]))
            result.allFinite = result.allFinite && finite
            if group.updateKind == .descent {
                result.maxAbsGradient = max(result.maxAbsGradient, maximum)
            }
        }
        let cap = Float(configuration.gradients.cap)
        result.allFinite = result.allFinite && result.maxAbsGradient <= cap
        if !result.allFinite { result.maxAbsGradient = .infinity }
        result.correctorDeadShare = corrector?.deadShare
        return result
    }
}

extension TrainingSchedule.Phase {
    /// Whether the slots of the phase train λ.
    var trainsCorrector: Bool { trainedGroups.contains(.corrector) }
}

extension TrainingSchedule.Objective {
    /// The objective of a step as `SelfCorrection` states it; `stepCount` is T of the α schedule.
    func slotObjective(
        _ configuration: Configuration, stepInPhase: Int, stepCount: Int
    ) -> SelfCorrection.Objective {
        switch self {
        case .ancillary, .supervised: .labelled
        case .warmup: .warmup
        case .selfCorrection(.none): .noCorrection
        case .selfCorrection(.linear):
            .linear(
                alpha: AlphaSchedule(
                    from: configuration.alpha.from, to: configuration.alpha.to,
                    stepCount: stepCount
                ).alpha(atStep: stepInPhase))
        case .selfCorrection(.convolutional): .convolutional
        case .selfCorrection(.emFixed):
            .expectationMaximisation(
                ExpectationMaximisation(
                    background: Float(configuration.emFixed.background),
                    foreground: Float(configuration.emFixed.foreground)))
        }
    }
}

extension LossWeights {
    init(_ loss: Configuration.Loss) {
        self.init(overall: loss.weight, labelled: loss.labelled, weak: loss.weak)
    }
}
