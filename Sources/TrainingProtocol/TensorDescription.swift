/// One named tensor of a run, in float32.
package struct TensorDescription: Hashable, Sendable {
    package enum WeightDecay: UInt8, Hashable, Sendable {
        case applied = 1
        case exempt = 2
    }

    package struct Attributes: Hashable, Sendable {
        package let weightDecay: WeightDecay
        package let learningRateMultiplier: Float
        /// Largest decay of a statistic's moving average, 1 where it never moves; 0 of a weight.
        package let movingAverageDecay: Float

        package init(
            weightDecay: WeightDecay, learningRateMultiplier: Float, movingAverageDecay: Float = 0
        ) {
            self.weightDecay = weightDecay
            self.learningRateMultiplier = learningRateMultiplier
            self.movingAverageDecay = movingAverageDecay
        }
    }

    package let name: String
    package let group: Group
    package let shape: [Int]
    package let attributes: Attributes

    package init(name: String, group: Group, shape: [Int], attributes: Attributes) {
        self.name = name
        self.group = group
        self.shape = shape
        self.attributes = attributes
    }

    package var elementCount: Int { shape.reduce(1, *) }
}
