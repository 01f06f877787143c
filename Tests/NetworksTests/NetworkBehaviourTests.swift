import Networks
import Tensors
import Testing

/// Oracle O18: what a whole network must do under special weights.
@Suite struct NetworkBehaviourTests {
    private static var shape: NetworkShape {
        var shape = NetworkShape(classes: 5, backbone: .tiny)
        shape.asppChannels = 8
        shape.lowLevelChannels = 6
        shape.decoderChannels = 8
        return shape
    }

    private let primary = DeepLab.primary(Self.shape, batch: 2, height: 33, width: 49)

    @Test("With zero convolutions the logits are the classifier's bias everywhere")
    func zeroWeights() {
        var weights = NamedWeights(primary.graph)
        weights.fill { $0.name.hasSuffix(".bias") || $0.shape.count == 4 } with: { _ in 0 }
        weights.fill { $0.name == "classifier.bias" } with: { Float($0) - 1.5 }
        let logits = weights.logits(of: primary)
        #expect(logits.indices.allSatisfy { logits[$0] == Float($0 % 5) - 1.5 })
    }

    @Test("The pyramid concatenates pooling, 1×1 and the three separable branches in this order",
        arguments: 0..<5)
    func pyramidOrder(branch: Int) {
        let norm = [
            "aspp.pool.1", "aspp.convs.0.1", "aspp.convs.1.1.1", "aspp.convs.2.1.1",
            "aspp.convs.3.1.1",
        ][branch]
        var silenced = NamedWeights(primary.graph)
        let plain = silenced.logits(of: primary)
        silenced.fill { $0.name == "\(norm).weight" || $0.name == "\(norm).bias" } with: { _ in 0 }
        var cut = NamedWeights(primary.graph)
        cut.fill { $0.name == "aspp.project.0.weight" } keep: { $0 % 40 / 8 != branch }
        expectEqual(silenced.logits(of: primary), cut.logits(of: primary), unlike: plain)
    }

    @Test("The decoder concatenates the pyramid's feature and then the low-level one")
    func decoderOrder() {
        var silenced = NamedWeights(primary.graph)
        let plain = silenced.logits(of: primary)
        silenced.fill {
            $0.name == "decoder.low.1.weight" || $0.name == "decoder.low.1.bias"
        } with: { _ in 0 }
        var cut = NamedWeights(primary.graph)
        cut.fill { $0.name == "decoder.convs.0.0.0.weight" } keep: { $0 / 9 < 8 }
        expectEqual(silenced.logits(of: primary), cut.logits(of: primary), unlike: plain)
    }

    @Test("Gates of bias +40 make the ancillary network the primary one, gates of −40 do not")
    func attentionIdentity() {
        let ancillary = DeepLab.ancillary(Self.shape, batch: 2, height: 33, width: 49)
        var open = NamedWeights(ancillary.graph)
        open.fill { $0.name.hasPrefix("gate_") && $0.shape.count == 1 } with: { _ in 40 }
        let expected = NamedWeights(primary.graph).logits(of: primary)
        let logits = open.logits(of: ancillary)
        #expect(zip(logits, expected).allSatisfy { abs($0 - $1) < 1e-5 * (1 + abs($1)) })
        open.fill { $0.name.hasPrefix("gate_") && $0.shape.count == 1 } with: { _ in -40 }
        let closed = open.logits(of: ancillary)
        #expect(zip(closed, expected).contains { abs($0 - $1) > 0.01 })
    }

    private func expectEqual(_ a: [Float], _ b: [Float], unlike c: [Float]) {
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 * (1 + abs($1)) })
        #expect(zip(a, c).contains { abs($0 - $1) > 1e-3 })
    }
}

/// The golden formula's weights with some tensors replaced.
struct NamedWeights {
    private let graph: Graph
    private var weights: [Float]

    init(_ graph: Graph) {
        self.graph = graph
        weights = graph.weights.flatMap(GoldenValues.parameter)
    }

    /// Replaces the elements of the chosen tensors by a function of their index.
    mutating func fill(
        _ isChosen: (ParameterDeclaration) -> Bool, with value: (Int) -> Float
    ) {
        edit(isChosen) { index, _ in value(index) }
    }

    /// Zeroes the elements of the chosen tensors whose index is not kept.
    mutating func fill(
        _ isChosen: (ParameterDeclaration) -> Bool, keep: (Int) -> Bool
    ) {
        edit(isChosen) { index, value in keep(index) ? value : 0 }
    }

    private mutating func edit(
        _ isChosen: (ParameterDeclaration) -> Bool, _ edited: (Int, Float) -> Float
    ) {
        var offset = 0
        for declaration in graph.weights {
            if isChosen(declaration) {
                for index in 0..<declaration.count {
                    weights[offset + index] = edited(index, weights[offset + index])
                }
            }
            offset += declaration.count
        }
    }

    /// The network's logits in evaluation mode.
    func logits(of network: NetworkGraph) -> [Float] {
        let plan = Plan(
            network.graph, outputs: [network.logits], mode: .evaluation,
            pool: ThreadPool(threadCount: 1))
        let images = GoldenValues.signed("image", count: plan.input(network.image).count)
        _ = plan.input(network.image).update(fromContentsOf: images)
        if let boxes = network.boxes {
            let masks = GoldenValues.boxes(network.graph.shape(of: boxes))
            _ = plan.input(boxes).update(fromContentsOf: masks)
        }
        plan.forward(
            weights: weights, statistics: network.graph.statistics.flatMap(GoldenValues.parameter),
            dropoutKey: 0)
        return Array(plan.output(network.logits))
    }
}
