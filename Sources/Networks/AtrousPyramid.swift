import Tensors

/// Atrous spatial pyramid pooling (ASPP): one feature map seen at five scales.
enum AtrousPyramid {
    /// Image pooling, a 1×1 convolution and three separable ones, concatenated in this order and
    /// projected to `asppChannels`.
    static func build(_ x: Value, _ shape: NetworkShape, in layers: inout LayerBuilder) -> Value {
        let channels = shape.asppChannels, size = layers.graph.shape(of: x)
        let pooled = layers.convolutionNorm(
            layers.graph.globalAveragePool(x), "aspp.pool", channels: channels,
            initialiser: layers.head.choose(.xavierUniform), activation: .relu)
        var branches = [
            layers.graph.resizeBilinear(pooled, height: size.height, width: size.width),
            layers.convolutionNorm(
                x, "aspp.convs.0", channels: channels,
                initialiser: layers.head.choose(.xavierUniform), activation: .relu),
        ]
        for (index, dilation) in shape.outputStride.pyramidDilations.enumerated() {
            branches.append(
                layers.separable(
                    x, "aspp.convs.\(index + 1)", channels: channels, dilation: dilation))
        }
        return layers.convolutionNorm(
            layers.graph.concatenate(branches), "aspp.project", channels: channels,
            initialiser: layers.head.choose(.xavierUniform), activation: .relu)
    }
}
