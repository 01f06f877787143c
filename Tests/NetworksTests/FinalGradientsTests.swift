import Networks
import Tensors
import Testing

/// What the backward pass reports as final is sent to servers while the pass goes on.
@Suite struct FinalGradientsTests {
    struct Case: Sendable, CustomStringConvertible {
        let backbone: Backbone
        let isAncillary: Bool
        var description: String { "\(isAncillary ? "ancillary" : "primary") on \(backbone)" }
    }

    static let cases = [Backbone.tiny, .mobilenetv2(), .xception65()].flatMap {
        [Case(backbone: $0, isAncillary: false), Case(backbone: $0, isAncillary: true)]
    }

    @Test(arguments: cases)
    func `Each gradient is finished once, keeps its bits, and the classifier comes first`(
        _ c: Case
    ) {
        let shape = NetworkShape(classes: 3, backbone: c.backbone)
        let network = (c.isAncillary ? DeepLab.ancillary : DeepLab.primary)(shape, 2, 65, 65)
        let graph = network.graph
        let plan = Plan(
            graph, outputs: [network.logits], mode: .training, pool: ThreadPool(threadCount: 2))
        let weights = graph.weights.flatMap(GoldenValues.parameter)
        let statistics = graph.statistics.flatMap(GoldenValues.parameter)
        for input in [network.image, network.boxes].compactMap({ $0 }) {
            let values = GoldenValues.signed("input", count: plan.input(input).count)
            _ = plan.input(input).update(fromContentsOf: values)
        }
        plan.forward(weights: weights, statistics: statistics, dropoutKey: 1)
        let logits = plan.outputGradient(network.logits)
        _ = logits.update(fromContentsOf: GoldenValues.signed("logits", count: logits.count))

        let gradients = UnsafeMutableBufferPointer<Float>.allocate(capacity: graph.weightCount)
        defer { gradients.deallocate() }
        gradients.initialize(repeating: Float.nan)
        var batchStatistics = [Float](repeating: 0, count: graph.statisticCount)
        var seen = [UInt32?](repeating: nil, count: graph.weightCount)
        var firsts: [Int] = []
        plan.backward(
            weights: weights, statistics: statistics, gradients: gradients.baseAddress!,
            batchStatistics: &batchStatistics
        ) { elements in
            firsts.append(elements.lowerBound)
            for index in elements {
                #expect(seen[index] == nil, "element \(index) is finished twice")
                seen[index] = gradients[index].bitPattern
            }
        }
        #expect(seen == gradients.map { $0.bitPattern })
        let classifier = graph.weights.firstIndex { $0.name.hasPrefix("classifier.") } ?? 0
        let offset = graph.weights[..<classifier].reduce(0) { $0 + $1.count }
        #expect(firsts.prefix(4).contains(offset), "\(firsts.prefix(4)), classifier at \(offset)")
        #expect(firsts.count == graph.weights.count)
    }
}
