import Tensors

/// DeepLabv3+'s decoder: the deep feature at stride 4, refined with the low-level one.
enum Decoder {
    /// Concatenates [deep, projected low-level] and applies two separable convolutions.
    static func build(
        lowLevel: Value, high: Value, _ shape: NetworkShape, in layers: inout LayerBuilder
    ) -> Value {
        let size = layers.graph.shape(of: lowLevel)
        let enlarged = layers.graph.resizeBilinear(high, height: size.height, width: size.width)
        let projected = layers.convolutionNorm(
            lowLevel, "decoder.low", channels: shape.lowLevelChannels,
            initialiser: layers.head.choose(.xavierUniform), activation: .relu)
        var x = layers.graph.concatenate([enlarged, projected])
        for index in 0..<2 {
            x = layers.separable(
                x, "decoder.convs.\(index)", channels: shape.decoderChannels, dilation: 1)
        }
        return x
    }
}
