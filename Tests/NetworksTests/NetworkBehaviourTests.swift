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
        for declaration in primary.graph.weights where !declaration.name.hasSuffix(".1.weight") {
            weights.replace(declaration.name) { _, _ in 0 }
        }
        weights.replace("classifier.bias") { index, _ in Float(index) - 1.5 }
        let logits = weights.logits(of: primary)
        #expect(logits.indices.allSatisfy { logits[$0] == Float($0 % 5) - 1.5 })
    }

    @Test(
        "The pyramid concatenates pooling, 1×1 and the three separable branches in this order",
        arguments: 0..<5)
    func pyramidOrder(branch: Int) {
        let norm = [
            "aspp.pool.1", "aspp.convs.0.1", "aspp.convs.1.1.1", "aspp.convs.2.1.1",
            "aspp.convs.3.1.1",
        ][branch]
        expectSilencing(norm, equalsCutting: "aspp.project.0.weight") { $0 % 40 / 8 != branch }
    }

    @Test("The decoder concatenates the pyramid's feature and then the low-level one")
    func decoderOrder() {
        expectSilencing("decoder.low.1", equalsCutting: "decoder.convs.0.0.0.weight") {
            $0 / 9 < 8
        }
    }

    /// A branch whose batch norm gives 0 counts as little as one whose weights in the next layer are 0.
    private func expectSilencing(
        _ norm: String, equalsCutting next: String, except isKept: (Int) -> Bool
    ) {
        let plain = NamedWeights(primary.graph).logits(of: primary)
        var silenced = NamedWeights(primary.graph)
        silenced.replace("\(norm).weight") { _, _ in 0 }
        silenced.replace("\(norm).bias") { _, _ in 0 }
        var cut = NamedWeights(primary.graph)
        cut.replace(next) { index, value in isKept(index) ? value : 0 }
        let a = silenced.logits(of: primary), b = cut.logits(of: primary)
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 * (1 + abs($1)) })
        #expect(zip(a, plain).contains { abs($0 - $1) > 1e-3 })
    }

    @Test("Box masks lose thin boxes unless resized by area, and bilinear is nearest on 16k + 1")
    func boxResize() {
        var logits: [NetworkShape.BoxResize: [Float]] = [:]
        for kind in NetworkShape.BoxResize.allCases {
            var shape = Self.shape
            shape.boxResize = kind
            let ancillary = DeepLab.ancillary(shape, batch: 1, height: 33, width: 49)
            // One column that neither stride 4 nor stride 16 samples.
            let thin = (0..<33 * 49).flatMap { pixel -> [Float] in
                pixel % 49 == 22 ? [0, 1, 0, 0, 0] : [1, 0, 0, 0, 0]
            }
            let none = (0..<33 * 49).flatMap { _ -> [Float] in [1, 0, 0, 0, 0] }
            let weights = NamedWeights(ancillary.graph)
            logits[kind] = weights.logits(of: ancillary, boxes: thin)
            let isSeen = logits[kind] != weights.logits(of: ancillary, boxes: none)
            #expect(isSeen == (kind == .area), "\(kind)")
        }
        #expect(logits[.bilinear] == logits[.nearest])
    }

    @Test("Gates of bias +40 make the ancillary network the primary one, gates of −40 do not")
    func attentionIdentity() {
        let ancillary = DeepLab.ancillary(Self.shape, batch: 2, height: 33, width: 49)
        var open = NamedWeights(ancillary.graph), closed = NamedWeights(ancillary.graph)
        for name in ["gate_high.bias", "gate_low.bias"] {
            open.replace(name) { _, _ in 40 }
            closed.replace(name) { _, _ in -40 }
        }
        let expected = NamedWeights(primary.graph).logits(of: primary)
        let logits = open.logits(of: ancillary)
        #expect(zip(logits, expected).allSatisfy { abs($0 - $1) < 1e-5 * (1 + abs($1)) })
        #expect(zip(closed.logits(of: ancillary), expected).contains { abs($0 - $1) > 0.01 })
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

    /// Replaces the elements of a tensor by a function of their index and value.
    mutating func replace(_ name: String, by edited: (Int, Float) -> Float) {
        var offset = 0
        for declaration in graph.weights {
            if declaration.name == name {
                for index in 0..<declaration.count {
                    weights[offset + index] = edited(index, weights[offset + index])
                }
                return
            }
            offset += declaration.count
        }
        preconditionFailure("no tensor \(name)")
    }

    /// The network's logits in evaluation mode.
    func logits(of network: NetworkGraph, boxes masks: [Float]? = nil) -> [Float] {
        let plan = Plan(
            network.graph, outputs: [network.logits], mode: .evaluation,
            pool: ThreadPool(threadCount: 1))
        let images = GoldenValues.signed("image", count: plan.input(network.image).count)
        _ = plan.input(network.image).update(fromContentsOf: images)
        if let boxes = network.boxes {
            let masks = masks ?? GoldenValues.boxes(network.graph.shape(of: boxes))
            _ = plan.input(boxes).update(fromContentsOf: masks)
        }
        plan.forward(
            weights: weights, statistics: network.graph.statistics.flatMap(GoldenValues.parameter),
            dropoutKey: 0)
        return Array(plan.output(network.logits))
    }
}
