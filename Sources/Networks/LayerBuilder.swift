import Tensors

/// Adds layers to a graph and declares their tensors; layers of two parts are named as PyTorch's `Sequential`.
///
/// Convolutions that a batch norm follows have no bias; depthwise weights are exempt from weight decay.
package struct LayerBuilder {
    package var graph = Graph()
    /// Added to the variance in each batch norm; set by the part that is being built.
    package var epsilon: Float
    /// How convolutions of pyramid and decoder begin.
    package var head = NetworkShape.HeadInitialisation.tensorflow
    /// How taps of separable convolutions begin that reach nothing but padding.
    package var unreachableTaps = NetworkShape.UnreachableTaps.zero

    package init(epsilon: Float) { self.epsilon = epsilon }

    /// `name.weight`, without a bias.
    package mutating func convolution(
        _ x: Value, _ name: String, channels: Int, size: Int = 1, unit: AtrousRule.Unit = .single,
        initialiser: Initialiser
    ) -> Value {
        let weight = graph.parameter(
            ParameterDeclaration(
                name: "\(name).weight",
                shape: [channels, graph.shape(of: x).channels, size, size], decay: .applied,
                initialiser: initialiser))
        return graph.convolution(x, weight: weight, stride: unit.stride, dilation: unit.dilation)
    }

    /// `name.weight` and `name.bias`, stride 1.
    package mutating func convolution(
        _ x: Value, _ name: String, channels: Int, size: Int, initialiser: Initialiser,
        bias: Float, biasKind: ParameterDeclaration.Kind
    ) -> Value {
        let weight = graph.parameter(
            ParameterDeclaration(
                name: "\(name).weight",
                shape: [channels, graph.shape(of: x).channels, size, size], decay: .applied,
                initialiser: initialiser))
        let bias = graph.parameter(
            ParameterDeclaration(
                name: "\(name).bias", shape: [channels], kind: biasKind,
                initialiser: .constant(bias)))
        return graph.convolution(x, weight: weight, bias: bias)
    }

    /// `name.weight`, `.bias`, `.running_mean`, `.running_var`.
    package mutating func batchNorm(
        _ x: Value, _ name: String, activation: Activation
    ) -> Value {
        let shape = [graph.shape(of: x).channels]
        func declare(
            _ part: String, _ role: ParameterDeclaration.Role, _ initialiser: Initialiser
        ) -> Parameter {
            graph.parameter(
                ParameterDeclaration(
                    name: "\(name).\(part)", shape: shape, role: role, initialiser: initialiser))
        }
        return graph.batchNorm(
            x, gamma: declare("weight", .weight, .constant(1)),
            beta: declare("bias", .weight, .zeros),
            mean: declare("running_mean", .statistic, .zeros),
            variance: declare("running_var", .statistic, .constant(1)),
            epsilon: epsilon, activation: activation)
    }

    /// Convolution `name.0`, batch norm `name.1`, activation.
    package mutating func convolutionNorm(
        _ x: Value, _ name: String, channels: Int, size: Int = 1, unit: AtrousRule.Unit = .single,
        initialiser: Initialiser, activation: Activation
    ) -> Value {
        let y = convolution(
            x, "\(name).0", channels: channels, size: size, unit: unit, initialiser: initialiser)
        return batchNorm(y, "\(name).1", activation: activation)
    }

    /// Depthwise 3×3 convolution, `name.weight`.
    package mutating func depthwise(
        _ x: Value, _ name: String, unit: AtrousRule.Unit, initialiser: Initialiser
    ) -> Value {
        let weight = graph.parameter(
            ParameterDeclaration(
                name: "\(name).weight", shape: [graph.shape(of: x).channels, 1, 3, 3],
                initialiser: initialiser))
        return graph.depthwiseConvolution(
            x, weight: weight, stride: unit.stride, dilation: unit.dilation)
    }

    /// Depthwise 3×3 convolution `name.0`, batch norm `name.1`, activation.
    package mutating func depthwiseNorm(
        _ x: Value, _ name: String, unit: AtrousRule.Unit, initialiser: Initialiser,
        activation: Activation
    ) -> Value {
        let y = depthwise(x, "\(name).0", unit: unit, initialiser: initialiser)
        return batchNorm(y, "\(name).1", activation: activation)
    }

    /// Depthwise 3×3 `name.0` and pointwise `name.1`, each with batch norm and ReLU: the separable
    /// convolution of DeepLab's pyramid and decoder.
    package mutating func separable(
        _ x: Value, _ name: String, channels: Int, dilation: Int
    ) -> Value {
        let size = graph.shape(of: x)
        let y = depthwiseNorm(
            x, "\(name).0", unit: AtrousRule.Unit(stride: 1, dilation: dilation),
            initialiser: unreachableTaps.choose(
                head.choose(.truncatedNormal(deviation: 0.33)), dilation: dilation,
                height: size.height, width: size.width), activation: .relu)
        return convolutionNorm(
            y, "\(name).1", channels: channels,
            initialiser: head.choose(.truncatedNormal(deviation: 0.06)), activation: .relu)
    }
}

extension AtrousRule.Unit {
    /// Stride 1, dilation 1.
    package static var single: Self { Self(stride: 1, dilation: 1) }
}
