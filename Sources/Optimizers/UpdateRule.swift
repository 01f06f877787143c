import CKernels

/// How one step changes weights; it knows flat arrays and no network.
public enum UpdateRule: Sendable, Equatable {
    /// v ← μ·v + g; w ← w − lr·v, not Nesterov, no dampening; weight decay enters g
    /// (TensorFlow's form, segmentation.md §2.1).
    case momentumSGD(momentum: Float)
    /// Decoupled weight decay and bias correction, as `torch.optim.AdamW`
    /// (Loshchilov and Hutter 2019).
    case adamW(beta1: Float, beta2: Float, epsilon: Float)

    /// Names of the arrays that the rule keeps beside the weights, each of their length.
    public var slotNames: [String] {
        switch self {
        case .momentumSGD: ["velocity"]
        case .adamW: ["first_moment", "second_moment"]
        }
    }
}

/// Neighbouring elements of a chunk that share their attributes.
public struct UpdateRange: Sendable, Equatable {
    /// Elements counted from the chunk's first.
    public var elements: Range<Int>
    /// L2 coefficient for `momentumSGD` (adds wd·w to the gradient), decoupled decay for `adamW`.
    public var weightDecay: Float
    /// Factor on the step's learning rate, 0 or more.
    public var learningRateMultiplier: Double

    /// Traps where a coefficient is negative.
    public init(elements: Range<Int>, weightDecay: Float, learningRateMultiplier: Double) {
        precondition(weightDecay >= 0 && learningRateMultiplier >= 0, "\(elements): negative")
        self.elements = elements
        self.weightDecay = weightDecay
        self.learningRateMultiplier = learningRateMultiplier
    }
}

extension UpdateRule {
    /// Applies one step to a chunk.
    ///
    /// The bits depend on the arguments alone, on every processor.
    ///
    /// - Parameters:
    ///   - weights: the chunk, [element].
    ///   - slots: as many arrays as `slotNames`, in that order, of the chunk's length.
    ///   - gradientSum: the root of the reduction tree, the unscaled sum over the step's slots.
    ///   - gradientScale: 1/V.
    ///   - learningRate: of this step, before the ranges' multipliers.
    ///   - progress: already advanced to this step.
    ///   - ranges: which elements change and how; elements outside stay as they are.
    public func update(
        weights: UnsafeMutableBufferPointer<Float>,
        slots: [UnsafeMutableBufferPointer<Float>],
        gradientSum: UnsafeBufferPointer<Float>, gradientScale: Float,
        learningRate: Double, progress: OptimizerProgress, ranges: [UpdateRange]
    ) {
        update(
            weights: weights, slots: slots, gradientSum: gradientSum, gradientScale: gradientScale,
            learningRate: learningRate, progress: progress, ranges: ranges, kernels: ck_kernels())
    }

    /// As the public method, with the kernels of a chosen instruction set.
    package func update(
        weights: UnsafeMutableBufferPointer<Float>,
        slots: [UnsafeMutableBufferPointer<Float>],
        gradientSum: UnsafeBufferPointer<Float>, gradientScale: Float,
        learningRate: Double, progress: OptimizerProgress, ranges: [UpdateRange],
        kernels: UnsafePointer<ck_table>
    ) {
        precondition(
            slots.count == slotNames.count && gradientSum.count == weights.count
                && slots.allSatisfy { $0.count == weights.count },
            "\(weights.count) weights, \(gradientSum.count) gradients, slots \(slots.map(\.count))")
        precondition(progress.updates > 0, "progress must be advanced before the update")
        for range in ranges where !range.elements.isEmpty {
            precondition(range.elements.upperBound <= weights.count, "\(range) of \(weights.count)")
            let rate = Float(learningRate * range.learningRateMultiplier)
            let start = range.elements.lowerBound
            let w = weights.baseAddress! + start
            let g = gradientSum.baseAddress! + start
            switch self {
            case .momentumSGD(let momentum):
                kernels.pointee.momentum_sgd(
                    w, slots[0].baseAddress! + start, g, rate, momentum, range.weightDecay,
                    gradientScale, range.elements.count)
            case .adamW(let beta1, let beta2, let epsilon):
                var constants = ck_adamw(
                    learning_rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                    weight_decay: range.weightDecay, gradient_scale: gradientScale,
                    first_correction: Float(1 - progress.beta1Product),
                    second_correction: Float(1 - progress.beta2Product))
                kernels.pointee.adamw(
                    w, slots[0].baseAddress! + start, slots[1].baseAddress! + start, g, &constants,
                    range.elements.count)
            }
        }
    }

    /// Puts a chunk's slots back to the state of a phase that begins.
    public func reset(slots: [UnsafeMutableBufferPointer<Float>]) {
        for slot in slots { slot.update(repeating: 0) }
    }
}
