extension Planner {
    /// Emits the forward stages of one node and keeps how to emit its backward stages.
    func lower(_ index: Int) {
        let node = graph.nodes[index]
        switch node.operation {
        case .input:
            define(index, buffer(node.shape.count))
        case .convolution(let weight, let bias, let window):
            if window.size == 1 && window.stride == 1 {
                lowerPointwise(index, weight: weight, bias: bias)
            } else {
                lowerConvolution(index, weight: weight, bias: bias, window: window)
            }
        case .depthwise(let weight, let window):
            lowerDepthwise(index, weight: weight, window: window)
        case .batchNorm(let norm):
            lowerBatchNorm(index, norm)
        case .activation(let activation):
            lowerActivation(index, activation)
        case .add:
            lowerAdd(index)
        case .concatenate:
            lowerConcatenate(index)
        case .globalAveragePool:
            lowerGlobalAveragePool(index)
        case .sigmoidGate:
            lowerSigmoidGate(index)
        case .resizeBilinear:
            lowerResize(index, kind: .bilinear)
        case .resizeArea:
            lowerResize(index, kind: .area)
        case .resizeNearest:
            lowerNearest(index)
        case .dropout(let keep, let ordinal):
            lowerDropout(index, keep: keep, ordinal: ordinal)
        }
    }
}
