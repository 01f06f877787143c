import Tensors

/// A backbone of inverted residual blocks with ReLU6, linear at their ends (MobileNetV2).
///
/// The low-level feature is the depthwise output, after batch norm and ReLU6, of the last block at stride 4.
package struct InvertedResiduals: BackboneArchitecture {
    /// Blocks of equal width; the first one carries the stride.
    package struct Stage: Sendable {
        let expansion, channels, blocks, stride: Int
    }

    package let stemChannels: Int
    package let stages: [Stage]
    package let depthMultiplier: Double

    package static func mobilenetv2(_ depthMultiplier: Double) -> Self {
        Self(
            stemChannels: 32,
            stages: [
                Stage(expansion: 1, channels: 16, blocks: 1, stride: 1),
                Stage(expansion: 6, channels: 24, blocks: 2, stride: 2),
                Stage(expansion: 6, channels: 32, blocks: 3, stride: 2),
                Stage(expansion: 6, channels: 64, blocks: 4, stride: 2),
                Stage(expansion: 6, channels: 96, blocks: 3, stride: 1),
                Stage(expansion: 6, channels: 160, blocks: 3, stride: 2),
                Stage(expansion: 6, channels: 320, blocks: 1, stride: 1),
            ], depthMultiplier: depthMultiplier)
    }

    package static let tiny = Self(
        stemChannels: 16,
        stages: [
            Stage(expansion: 1, channels: 16, blocks: 1, stride: 1),
            Stage(expansion: 3, channels: 24, blocks: 2, stride: 2),
            Stage(expansion: 3, channels: 32, blocks: 2, stride: 2),
            Stage(expansion: 3, channels: 48, blocks: 2, stride: 2),
        ], depthMultiplier: 1)

    package func build(
        _ image: Value, outputStride: OutputStride, in layers: inout LayerBuilder
    ) -> BackboneFeatures {
        var rule = AtrousRule(outputStride: outputStride)
        var x = layers.convolutionNorm(
            image, "features.0", channels: scaled(stemChannels), size: 3,
            unit: rule.unit(nominalStride: 2), initialiser: Self.initialiser, activation: .relu6)
        var lowLevel: Value?
        var index = 0
        for stage in stages {
            for block in 0..<stage.blocks {
                index += 1
                let unit = rule.unit(nominalStride: block == 0 ? stage.stride : 1)
                let (output, hidden) = residualBlock(
                    x, "features.\(index).conv", stage, unit, in: &layers)
                if rule.stride == 4 { lowLevel = hidden }
                x = output
            }
        }
        guard let lowLevel else { preconditionFailure("no block at stride 4 in \(stages)") }
        return BackboneFeatures(lowLevel: lowLevel, high: x)
    }

    /// Expansion, depthwise convolution and linear projection; also gives the depthwise output.
    private func residualBlock(
        _ x: Value, _ name: String, _ stage: Stage, _ unit: AtrousRule.Unit,
        in layers: inout LayerBuilder
    ) -> (output: Value, hidden: Value) {
        let inputs = layers.graph.shape(of: x).channels, outputs = scaled(stage.channels)
        var hidden = x
        var part = 0
        if stage.expansion > 1 {
            hidden = layers.convolutionNorm(
                x, "\(name).0", channels: Self.divisible(Double(inputs * stage.expansion), by: 8),
                initialiser: Self.initialiser, activation: .relu6)
            part = 1
        }
        hidden = layers.depthwiseNorm(
            hidden, "\(name).\(part)", unit: unit, initialiser: Self.initialiser,
            activation: .relu6)
        let projected = layers.convolution(
            hidden, "\(name).\(part + 1)", channels: outputs, initialiser: Self.initialiser)
        let y = layers.batchNorm(projected, "\(name).\(part + 2)", activation: .none)
        let isResidual = unit.stride == 1 && inputs == outputs
        return (isResidual ? layers.graph.add(x, y) : y, hidden)
    }

    private static let initialiser = Initialiser.truncatedNormal(deviation: 0.09)

    private func scaled(_ channels: Int) -> Int {
        Self.divisible(Double(channels) * depthMultiplier, by: depthMultiplier == 1 ? 8 : 1)
    }

    /// The multiple of `divisor` nearest to `value`, at least `divisor` and not below 0.9 · `value`.
    package static func divisible(_ value: Double, by divisor: Int) -> Int {
        precondition(value > 0, "\(value) channels")
        let rounded = max(divisor, Int(value + Double(divisor) / 2) / divisor * divisor)
        return Double(rounded) < 0.9 * value ? rounded + divisor : rounded
    }
}
