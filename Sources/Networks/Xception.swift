import Tensors

/// A backbone of separable convolutions in modules of three (Chollet, CVPR 2017), as DeepLabv3+ has
/// it (Chen et al., ECCV 2018), with timm's names.
///
/// The low-level feature is what the second convolution of the last module that reads stride 4
/// gives, after batch norm and without ReLU.
package struct Xception: BackboneArchitecture {
    /// Three separable convolutions of equal dilation; the last one carries the stride.
    package struct Module: Sendable {
        /// What is added to the last convolution's output.
        enum Skip {
            /// The input by way of a 1×1 convolution with the module's stride, and batch norm.
            case convolution
            /// The input itself.
            case identity
            case none
        }

        /// Where the ReLUs are; the skip reads the input without one.
        enum Activations {
            /// Before each separable convolution, so that the module's output has none.
            case before
            /// After both batch norms of each separable convolution.
            case inside
        }

        let channels: (Int, Int, Int)
        let skip: Skip
        let stride: Int
        var activations = Activations.before
    }

    /// Who reads what a module's second convolution gives.
    private enum Readers { case third, thirdAndDecoder }

    package let modules: [Module]
    package let depthMultiplier: Double

    package static func xception65(_ depthMultiplier: Double) -> Self {
        let entry = [128, 256, 728].map {
            Module(channels: ($0, $0, $0), skip: .convolution, stride: 2)
        }
        let middle = Module(channels: (728, 728, 728), skip: .identity, stride: 1)
        let exit = [
            Module(channels: (728, 1024, 1024), skip: .convolution, stride: 2),
            Module(channels: (1536, 1536, 2048), skip: .none, stride: 1, activations: .inside),
        ]
        return Self(
            modules: entry + [Module](repeating: middle, count: 16) + exit,
            depthMultiplier: depthMultiplier)
    }

    package func build(
        _ image: Value, outputStride: OutputStride, in layers: inout LayerBuilder
    ) -> BackboneFeatures {
        var rule = AtrousRule(outputStride: outputStride)
        var x = image
        for (index, (channels, stride)) in [(32, 2), (64, 1)].enumerated() {
            x = convolutionNorm(
                x, "stem.\(index)", channels: scaled(channels), size: 3,
                unit: rule.unit(nominalStride: stride), activation: .relu, in: &layers)
        }
        var lowLevel: Value?
        for (index, module) in modules.enumerated() {
            let readers = rule.stride == 4 ? Readers.thirdAndDecoder : .third
            let unit = rule.unit(nominalStride: module.stride)
            let (y, second) = convolutions(
                x, "blocks.\(index).stack", module, unit, readers, in: &layers)
            if readers == .thirdAndDecoder { lowLevel = second }
            x = skip(from: x, to: y, "blocks.\(index).shortcut", module.skip, unit, in: &layers)
        }
        guard let lowLevel else { preconditionFailure("no module reads stride 4 in \(modules)") }
        return BackboneFeatures(lowLevel: lowLevel, high: x)
    }

    /// The module without its skip; also gives what its second convolution gives.
    private func convolutions(
        _ x: Value, _ name: String, _ module: Module, _ unit: AtrousRule.Unit, _ readers: Readers,
        in layers: inout LayerBuilder
    ) -> (output: Value, second: Value) {
        let isBefore = module.activations == .before
        let single = AtrousRule.Unit(stride: 1, dilation: unit.dilation)
        let end = isBefore ? Activation.none : .relu
        let input = isBefore ? layers.graph.activation(x, .relu) : x
        // The ReLU before the next convolution joins a batch norm that nobody else reads.
        let first = separable(
            input, "\(name).conv1", module.channels.0, single, (inner: end, outer: .relu),
            in: &layers)
        let second = separable(
            first, "\(name).conv2", module.channels.1, single,
            (inner: end, outer: readers == .third ? .relu : end), in: &layers)
        let third = separable(
            readers == .third ? second : layers.graph.activation(second, .relu), "\(name).conv3",
            module.channels.2, AtrousRule.Unit(stride: unit.stride, dilation: unit.dilation),
            (inner: end, outer: end), in: &layers)
        return (third, second)
    }

    private func skip(
        from x: Value, to y: Value, _ name: String, _ skip: Module.Skip, _ unit: AtrousRule.Unit,
        in layers: inout LayerBuilder
    ) -> Value {
        switch skip {
        case .none: return y
        case .identity: return layers.graph.add(y, x)
        case .convolution:
            let shortcut = convolutionNorm(
                x, name, channels: layers.graph.shape(of: y).channels, size: 1, unit: unit,
                activation: .none, in: &layers)
            return layers.graph.add(y, shortcut)
        }
    }

    /// Depthwise 3×3 and pointwise convolution, each with batch norm and activation.
    private func separable(
        _ x: Value, _ name: String, _ channels: Int, _ unit: AtrousRule.Unit,
        _ activations: (inner: Activation, outer: Activation), in layers: inout LayerBuilder
    ) -> Value {
        let depthwise = layers.depthwise(
            x, "\(name).conv_dw", unit: unit, initialiser: Self.initialiser)
        let inner = layers.batchNorm(
            depthwise, "\(name).bn_dw", activation: activations.inner)
        let pointwise = layers.convolution(
            inner, "\(name).conv_pw", channels: scaled(channels), initialiser: Self.initialiser)
        return layers.batchNorm(pointwise, "\(name).bn_pw", activation: activations.outer)
    }

    /// Convolution `name.conv`, batch norm `name.bn`, activation.
    private func convolutionNorm(
        _ x: Value, _ name: String, channels: Int, size: Int, unit: AtrousRule.Unit,
        activation: Activation, in layers: inout LayerBuilder
    ) -> Value {
        let y = layers.convolution(
            x, "\(name).conv", channels: channels, size: size, unit: unit,
            initialiser: Self.initialiser)
        return layers.batchNorm(y, "\(name).bn", activation: activation)
    }

    private static let initialiser = Initialiser.truncatedNormal(deviation: 0.09)

    private func scaled(_ channels: Int) -> Int {
        max(1, Int((Double(channels) * depthMultiplier).rounded()))
    }
}
