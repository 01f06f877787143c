import Tensors

/// A network as the trainer sees it: one graph and the handles of what goes in and comes out.
public struct NetworkGraph: Sendable {
    /// The operations and the declarations of all tensors.
    public let graph: Graph
    /// `[batch, height, width, 3]`, RGB in −1…1.
    public let image: Value
    /// `[batch, height, width, boxChannels]` of 0 and 1; none in the primary network.
    public let boxes: Value?
    /// `[batch, (height − 1) / 4 + 1, (width − 1) / 4 + 1, classes]`, before softmax.
    public let logits: Value
}

/// DeepLabv3+ (Chen et al., ECCV 2018) and the ancillary network that also sees boxes.
///
/// Names, shapes and order of the tensors depend on the ``NetworkShape`` alone, not on output
/// stride, batch or image size. Their initial values do: see ``NetworkShape/UnreachableTaps``.
public enum DeepLab {
    /// The primary network p(y|x; φ); sizes of 16k + 1 suit it best.
    public static func primary(
        _ shape: NetworkShape, batch: Int, height: Int, width: Int
    ) -> NetworkGraph {
        var layers = emptyGraph(shape)
        let image = layers.graph.input(
            "image", Shape(batch: batch, height: height, width: width, channels: 3))
        let (lowLevel, high) = encode(image, shape, in: &layers)
        let logits = decode(lowLevel, high, shape, in: &layers)
        return NetworkGraph(graph: layers.graph, image: image, boxes: nil, logits: logits)
    }

    /// The ancillary network p(y|x, b; θ): the primary one with a gate before each decoder input.
    ///
    /// A gate multiplies by an attention that the box encoder computes from the masks (the paper, §3.1).
    public static func ancillary(
        _ shape: NetworkShape, batch: Int, height: Int, width: Int
    ) -> NetworkGraph {
        var layers = emptyGraph(shape)
        let size = Shape(batch: batch, height: height, width: width, channels: 3)
        let image = layers.graph.input("image", size)
        let boxes = layers.graph.input("boxes", size.with(channels: shape.boxChannels))
        let (lowLevel, high) = encode(image, shape, in: &layers)
        let gatedHigh = BoxEncoder.gate(high, by: boxes, "gate_high", shape, in: &layers)
        let gatedLow = BoxEncoder.gate(lowLevel, by: boxes, "gate_low", shape, in: &layers)
        let logits = decode(gatedLow, gatedHigh, shape, in: &layers)
        return NetworkGraph(graph: layers.graph, image: image, boxes: boxes, logits: logits)
    }

    private static func emptyGraph(_ shape: NetworkShape) -> LayerBuilder {
        var layers = LayerBuilder(epsilon: shape.backboneEpsilon)
        layers.head = shape.headInitialisation
        layers.unreachableTaps = shape.unreachableTaps
        return layers
    }

    /// Backbone and pyramid: the low-level feature as it is and the projected one after dropout.
    private static func encode(
        _ image: Value, _ shape: NetworkShape, in layers: inout LayerBuilder
    ) -> (lowLevel: Value, high: Value) {
        layers.epsilon = shape.backboneEpsilon
        let features = shape.backbone.architecture.build(
            image, outputStride: shape.outputStride, in: &layers)
        layers.epsilon = shape.headEpsilon
        let pyramid = AtrousPyramid.build(features.high, shape, in: &layers)
        return (features.lowLevel, layers.graph.dropout(pyramid, keep: shape.dropoutKeep))
    }

    private static func decode(
        _ lowLevel: Value, _ high: Value, _ shape: NetworkShape, in layers: inout LayerBuilder
    ) -> Value {
        let features = Decoder.build(lowLevel: lowLevel, high: high, shape, in: &layers)
        return layers.convolution(
            features, "classifier", channels: shape.classes, size: 1,
            initialiser: .truncatedNormal(deviation: 0.01), bias: 0, biasKind: .bias)
    }
}
