import Tensors

/// The convolutional corrector as the trainer sees it.
public struct CorrectorGraph: Sendable {
    public let graph: Graph
    /// The primary network's stride-4 logits; their gradient is wanted where term 3 of Eq. 6 reaches φ.
    public let primary: Value
    /// The ancillary network's stride-4 logits, always constant.
    public let ancillary: Value
    /// Corrected logits of the same shape.
    public let logits: Value
}

/// q_conv(y|x, b; λ) of Eq. 6: two 3×3 convolutions over [primary logits, ancillary logits].
public enum Corrector {
    /// `height` and `width` are those of the stride-4 logits.
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
