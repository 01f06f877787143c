import Networks
import Tensors

/// A segmentation network compiled for one batch and image size.
package final class NetworkPlan {
    package let plan: Plan
    package let network: NetworkGraph
    /// Weights and statistics of the network among the run's groups.
    let weightGroup: TensorGroup
    let statisticsGroup: TensorGroup

    /// Extent of an image.
    var imageShape: Shape { network.graph.shape(of: network.image) }
    /// Extent of the stride-4 logits.
    package var logitsShape: Shape { network.graph.shape(of: network.logits) }

    /// Compiles a network of one of the two models.
    package init(
        _ network: NetworkGraph, of model: SegmentationModel, mode: Plan.Mode, pool: ThreadPool,
        products: ProductEngine = .native
    ) {
        self.network = network
        plan = Plan(
            network.graph, outputs: [network.logits], mode: mode, pool: pool, products: products)
        weightGroup = model.weightGroup
        statisticsGroup = model.statisticsGroup
    }

    /// Copies images, and boxes where the network sees them, beginning with `first` of the batch.
    package func fill(images: [Float], boxes: [Float], first: Int) {
        copy(images, first, into: plan.input(network.image))
        if let value = network.boxes { copy(boxes, first, into: plan.input(value)) }
    }

    private func copy(
        _ all: [Float], _ first: Int, into target: UnsafeMutableBufferPointer<Float>
    ) {
        let start = first * (target.count / imageShape.batch)
        precondition(
            all.count >= start + target.count,
            "\(all.count) values, \(start) + \(target.count) needed")
        all.withUnsafeBufferPointer {
            target.baseAddress!.update(from: $0.baseAddress! + start, count: target.count)
        }
    }

    package func forward(_ parameters: FlatBuffers, dropoutKey: UInt64) {
        plan.forward(
            weights: UnsafePointer(parameters[weightGroup].baseAddress!),
            statistics: UnsafePointer(parameters[statisticsGroup].baseAddress!),
            dropoutKey: dropoutKey)
    }

    /// Writes the gradients and batch statistics of the network's groups; `finished` is told which
    /// elements have their final values.
    func backward(
        _ parameters: FlatBuffers, into gradients: FlatBuffers,
        finished: (TensorGroup, Range<Int>) -> Void
    ) {
        plan.backward(
            weights: UnsafePointer(parameters[weightGroup].baseAddress!),
            statistics: UnsafePointer(parameters[statisticsGroup].baseAddress!),
            gradients: gradients[weightGroup].baseAddress!,
            batchStatistics: gradients[statisticsGroup].baseAddress!,
            finished: { finished(weightGroup, $0) })
    }

    package var logits: UnsafeBufferPointer<Float> { plan.output(network.logits) }
    var logitsGradient: UnsafeMutableBufferPointer<Float> { plan.outputGradient(network.logits) }
}
