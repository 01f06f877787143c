import Tensors

/// The convolutional corrector as the trainer sees it.
public struct CorrectorGraph: Sendable {
    /// The operations and the declarations of all tensors.
    public let graph: Graph
    /// The primary network's stride-4 logits.
    ///
    /// Their gradient is wanted where term 3 of equation 6 is to reach φ.
    public let primary: Value
    /// The ancillary network's stride-4 logits, always constant.
    public let ancillary: Value
    /// Corrected logits of the same shape.
    public let logits: Value
}

/// q_conv(y|x, b; λ) of equation 6: two 3×3 convolutions over [primary, ancillary] logits.
public enum Corrector {
    /// The corrector for logits of `[batch, height, width, classes]`, at stride 4.
    public static func graph(
        _ shape: NetworkShape, batch: Int, height: Int, width: Int
    ) -> CorrectorGraph {
        var layers = LayerBuilder(epsilon: shape.headEpsilon)
        let size = Shape(batch: batch, height: height, width: width, channels: shape.classes)
        let primary = layers.graph.input("primary", size)
        let ancillary = layers.graph.input("ancillary", size)
        let hidden = layers.convolution(
            layers.graph.concatenate([primary, ancillary]), "hidden",
            channels: shape.corrector.channels, size: 3, initialiser: .heNormal, bias: 0,
            biasKind: .bias)
        let output = layers.convolution(
            layers.graph.activation(hidden, .relu), "output", channels: shape.classes, size: 3,
            initialiser: .heNormal, bias: shape.corrector.outputBias, biasKind: .bias)
        let logits =
            shape.corrector.finalActivation == .none
            ? output : layers.graph.activation(output, shape.corrector.finalActivation)
        return CorrectorGraph(
            graph: layers.graph, primary: primary, ancillary: ancillary, logits: logits)
    }
}
