import Tensors

/// Everything one forward and backward pass of a plan gives.
struct PlanRun: Equatable {
    var outputs: [[Float]]
    var weights: [Float] = []
    var statistics: [Float] = []
    var inputs: [[Float]] = []

    init(
        _ plan: Plan, inputs: [(Value, [Float])], weights: [Float], statistics: [Float],
        dropoutKey: UInt64 = 7, outputGradients: [[Float]]
    ) {
        for (value, elements) in inputs {
            _ = plan.input(value).update(fromContentsOf: elements)
        }
        plan.forward(weights: weights, statistics: statistics, dropoutKey: dropoutKey)
        outputs = plan.outputs.map { Array(plan.output($0)) }
        guard plan.mode == .training else { return }
        for (value, elements) in zip(plan.outputs, outputGradients) {
            _ = plan.outputGradient(value).update(fromContentsOf: elements)
        }
        // NaN shows what the backward pass leaves unwritten.
        var gradients = Array(repeating: Float.nan, count: weights.count)
        var slot = Array(repeating: Float.nan, count: statistics.count)
        plan.backward(
            weights: weights, statistics: statistics, gradients: &gradients,
            batchStatistics: &slot)
        self.weights = gradients
        self.statistics = slot
        self.inputs = inputs.map { Array(plan.inputGradient($0.0)) }
    }

    /// The run's bits, for comparisons in which NaN equals itself.
    var bits: [[UInt32]] {
        (outputs + [weights, statistics] + inputs).map { $0.map(\.bitPattern) }
    }
}
