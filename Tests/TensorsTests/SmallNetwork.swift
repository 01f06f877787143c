import Tensors
import TestSupport

/// A network with every operation: residuals, branches, a gate, and values read several times.
struct SmallNetwork {
    let graph: Graph
    let image, boxes: Value
    let logits, features: Value
    let weights: [Float]
    let statistics: [Float]
    let inputs: [(Value, [Float])]
    let outputGradients: [[Float]]

    init(batch: Int = 2, size: Int = 33) {
        var graph = Graph()
        image = graph.input("image", shape(batch, size, size, 3))
        boxes = graph.input("boxes", shape(batch, size, size, 4))
        let stem = SmallNetwork.stem(&graph, image)
        let residual = SmallNetwork.invertedResidual(&graph, stem)
        let deep = SmallNetwork.pyramid(&graph, residual)
        let low = SmallNetwork.gated(&graph, stem, boxes)
        let grid = graph.shape(of: low)
        let up = graph.resizeBilinear(deep, height: grid.height, width: grid.width)
        let joined = graph.concatenate([up, low])
        let mixed = graph.depthwise(graph.activation(joined, .relu))
        logits = graph.convolve(graph.norm(mixed, .relu), to: 5, biased: true)
        features = residual
        var generator = SeededGenerator(seed: 99)
        weights = graph.weights.flatMap { declaration in
            generator.floats(
                declaration.count,
                in: declaration.name.hasPrefix("gamma") ? 0.5..<1.5 : -0.5..<0.5)
        }
        statistics = graph.statistics.flatMap {
            generator.floats($0.count, in: $0.name.hasSuffix("var") ? 0.5..<1.5 : -0.5..<0.5)
        }
        inputs = [image, boxes].map { ($0, generator.floats(graph.shape(of: $0).count)) }
        outputGradients = [logits, residual].map {
            generator.floats(graph.shape(of: $0).count)
        }
        self.graph = graph
    }

    private static func stem(_ graph: inout Graph, _ image: Value) -> Value {
        let first = graph.convolve(image, to: 8, size: 3, stride: 2)
        return graph.norm(first, .relu6)
    }

    private static func invertedResidual(_ graph: inout Graph, _ x: Value) -> Value {
        let expanded = graph.norm(graph.convolve(x, to: 24), .relu6)
        let filtered = graph.norm(graph.depthwise(expanded), .relu6)
        let projected = graph.norm(graph.convolve(filtered, to: 8), .none)
        return graph.add(x, projected)
    }

    private static func pyramid(_ graph: inout Graph, _ x: Value) -> Value {
        let small = graph.norm(graph.depthwise(x, stride: 2), .relu)
        let grid = graph.shape(of: small)
        let pooled = graph.norm(graph.convolve(graph.globalAveragePool(small), to: 6), .relu)
        let image = graph.resizeBilinear(pooled, height: grid.height, width: grid.width)
        let point = graph.norm(graph.convolve(small, to: 7), .relu)
        let atrous = graph.norm(graph.depthwise(small, dilation: 3), .relu)
        let joined = graph.concatenate([image, point, atrous])
        let projected = graph.norm(graph.convolve(joined, to: 12), .relu)
        return graph.dropout(projected, keep: 0.8)
    }

    private static func gated(_ graph: inout Graph, _ x: Value, _ boxes: Value) -> Value {
        let grid = graph.shape(of: x)
        let masks = graph.resizeArea(boxes, height: grid.height, width: grid.width)
        let gate = graph.convolve(masks, to: grid.channels, size: 3, biased: true)
        return graph.sigmoidGate(features: x, gate: gate)
    }
}
