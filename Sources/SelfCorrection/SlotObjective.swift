import CKernels
import Tensors

/// An ``Objective`` evaluated for one slot: b images, the first f of them labelled.
///
/// Within a slot the terms over F are means over its valid pixels and the term over W is the mean over
/// its unpadded pixels. Allocates its scratch once.
public final class SlotObjective {
    /// Stride-4 logits `[batch, height, width, classes]` of the same images.
    public struct Logits {
        /// Of the model that is trained: the primary, or the ancillary in equation 1.
        public let primary: UnsafePointer<Float>
        /// Of the frozen ancillary model; needed by equations 2–5.
        public let ancillary: UnsafePointer<Float>?
        /// Of the corrector; needed by equation 6.
        public let corrector: UnsafePointer<Float>?

        /// The pointers must stay valid while the slot is evaluated.
        public init(
            primary: UnsafePointer<Float>, ancillary: UnsafePointer<Float>? = nil,
            corrector: UnsafePointer<Float>? = nil
        ) {
            self.primary = primary
            self.ancillary = ancillary
            self.corrector = corrector
        }
    }

    /// What the images came with.
    public struct Truth {
        /// `[labelled, labelHeight, labelWidth]`, 255 is ignored.
        public let labels: UnsafePointer<UInt8>
        /// `[batch, labelHeight, labelWidth]`, 0 is padding; needed where W has a term.
        public let valid: UnsafePointer<UInt8>?
        /// `[batch, labelHeight, labelWidth, classes]`; needed by EM-fixed.
        public let boxes: UnsafePointer<Float>?

        /// The pointers must stay valid while the slot is evaluated.
        public init(
            labels: UnsafePointer<UInt8>, valid: UnsafePointer<UInt8>? = nil,
            boxes: UnsafePointer<Float>? = nil
        ) {
            self.labels = labels
            self.valid = valid
            self.boxes = boxes
        }
    }

    /// The loss of a slot, term by term.
    public struct Loss: Hashable, Sendable {
        /// Over F, of the primary model, or of the ancillary in equation 1.
        public let labelled: LossTerm
        /// Over W.
        public let weak: LossTerm
        /// Over F, of the corrector.
        public let corrector: LossTerm
        /// The weighted sum of the terms' means.
        public let total: Double
    }

    /// b, the images of the slot.
    public let batch: Int
    /// f, how many of them are labelled.
    public let labelled: Int
    private let grid: LogitGrid
    private let crossEntropy: UpsampledCrossEntropy
    private let kernels: UnsafePointer<ck_table>
    private let combined: UnsafeMutableBufferPointer<Float>

    /// Allocates the slot's scratch; the first `labelled` of its `batch` images have labels.
    public init(_ grid: LogitGrid, batch: Int, labelled: Int, pool: ThreadPool) {
        precondition(
            batch > 0 && labelled >= 0 && labelled <= batch, "\(labelled) of \(batch) labelled")
        self.grid = grid
        self.batch = batch
        self.labelled = labelled
        kernels = pool.kernels
        crossEntropy = UpsampledCrossEntropy(grid, maximumImages: batch, pool: pool)
        combined = .allocate(capacity: (batch - labelled) * grid.logitCount)
        combined.initialize(repeating: 0)
    }

    deinit { combined.deallocate() }

    /// The loss, and its gradients with respect to the primary's logits and, where the objective
    /// trains the corrector, to the corrector's; both `[batch, height, width, classes]`, overwritten.
    ///
    /// Targets are constants: no gradient flows through q. What term 3 of Eq. 6 owes to the primary
    /// comes from the corrector's own backward pass.
    public func evaluate(
        _ objective: Objective, _ logits: Logits, _ truth: Truth,
        weights: LossWeights = LossWeights(), primaryGradient: UnsafeMutablePointer<Float>,
        correctorGradient: UnsafeMutablePointer<Float>? = nil
    ) -> Loss {
        let labelledWeight = weights.overall * weights.labelled
        let weakWeight = weights.overall * weights.weak
        let term1 = judge(logits.primary, truth, labelledWeight, gradient: primaryGradient)
        let term2 = weakTerm(
            objective, logits, truth, weight: weakWeight,
            gradient: primaryGradient + labelled * grid.logitCount)
        var term3 = LossTerm(sum: 0, pixels: 0)
        if objective.trainsCorrector {
            let gradient = required(correctorGradient, "a corrector gradient", objective)
            term3 = judge(
                required(logits.corrector, "corrector logits", objective), truth, labelledWeight,
                gradient: gradient)
            (gradient + labelled * grid.logitCount).update(
                repeating: 0, count: (batch - labelled) * grid.logitCount)
        }
        return Loss(
            labelled: term1, weak: term2, corrector: term3,
            total: labelledWeight * (term1.mean + term3.mean) + weakWeight * term2.mean)
    }

    /// Cross-entropy of the first f images with their labels.
    private func judge(
        _ logits: UnsafePointer<Float>, _ truth: Truth, _ weight: Double,
        gradient: UnsafeMutablePointer<Float>
    ) -> LossTerm {
        crossEntropy.evaluate(
            logits, against: .labels(truth.labels), images: labelled, weight: weight,
            gradient: gradient)
    }

    /// Cross-entropy of the other images with their targets.
    private func weakTerm(
        _ objective: Objective, _ logits: Logits, _ truth: Truth, weight: Double,
        gradient: UnsafeMutablePointer<Float>
    ) -> LossTerm {
        guard batch > labelled, objective.usesWeakImages else {
            gradient.update(repeating: 0, count: (batch - labelled) * grid.logitCount)
            return LossTerm(sum: 0, pixels: 0)
        }
        return crossEntropy.evaluate(
            logits.primary + labelled * grid.logitCount,
            against: weakTarget(objective, logits, truth), images: batch - labelled,
            weight: weight, gradient: gradient)
    }

    private func weakTarget(
        _ objective: Objective, _ logits: Logits, _ truth: Truth
    ) -> UpsampledCrossEntropy.Target {
        let first = labelled * grid.logitCount, firstPixel = labelled * grid.labelCount
        let valid = required(truth.valid, "a valid mask", objective) + firstPixel
        switch objective {
        case .labelled, .warmup:
            preconditionFailure("\(objective) has no weak term")
        case .noCorrection:
            let ancillary = required(logits.ancillary, "ancillary logits", objective)
            return .probabilities(ofLogits: ancillary + first, valid: valid)
        case .linear(let alpha):
            LinearCorrection.combine(
                primary: logits.primary + first,
                ancillary: required(logits.ancillary, "ancillary logits", objective) + first,
                alpha: alpha, into: combined.baseAddress!, count: combined.count,
                kernels: kernels)
            return .probabilities(ofLogits: combined.baseAddress!, valid: valid)
        case .convolutional:
            let corrector = required(logits.corrector, "corrector logits", objective)
            return .probabilities(ofLogits: corrector + first, valid: valid)
        case .expectationMaximisation(let estimation):
            let boxes = required(truth.boxes, "box masks", objective)
            return .estimated(
                estimation, boxes: boxes + firstPixel * grid.classes, valid: valid)
        }
    }

    private func required<T>(_ value: T?, _ what: String, _ objective: Objective) -> T {
        guard let value else { preconditionFailure("\(objective) needs \(what)") }
        return value
    }
}
