import Tensors

/// The ancillary network's box encoder: an attention per scale, computed from the box masks alone.
enum BoxEncoder {
    /// `features · σ(convolution(resize(boxes)))`, a 3×3 convolution with bias to the features' channels.
    static func gate(
        _ features: Value, by boxes: Value, _ name: String, _ shape: NetworkShape,
        in layers: inout LayerBuilder
    ) -> Value {
        let size = layers.graph.shape(of: features)
        let masks = resize(boxes, to: size, shape.boxResize, in: &layers.graph)
        let gate = layers.convolution(
            masks, name, channels: size.channels, size: 3,
            initialiser: .truncatedNormal(deviation: shape.gateDeviation),
            bias: shape.gateBias,
            biasKind: .ordinary)
        return layers.graph.sigmoidGate(features: features, gate: gate)
    }

    private static func resize(
        _ boxes: Value, to size: Shape, _ kind: NetworkShape.BoxResize, in graph: inout Graph
    ) -> Value {
        switch kind {
        case .area: graph.resizeArea(boxes, height: size.height, width: size.width)
        case .bilinear: graph.resizeBilinear(boxes, height: size.height, width: size.width)
        case .nearest: graph.resizeNearest(boxes, height: size.height, width: size.width)
        }
    }
}
