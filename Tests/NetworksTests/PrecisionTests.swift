import Networks
import Tensors
import TestSupport
import Testing

/// How far bfloat16 takes the networks from float32: the cosine of what both compute, layer by layer.
@Suite struct PrecisionTests {
    private static let limit = 0.999
    private static let networks = [Backbone.mobilenetv2(), .xception65()]

    /// With batch statistics, layers at their initial values double small differences again and again,
    /// whatever the differences come from; running statistics leave them as they are.
    @Test(
        "Every layer's output is float32's, through the whole network", arguments: networks,
        roundingOrders)
    func wholeNetwork(backbone: Backbone, order: BFloat16Order) {
        let (network, weights, statistics) = drawn(backbone, size: 65)
        let values = network.graph.nodes.indices.map(Value.init).filter { $0 != network.image }
        func outputs(_ products: ProductEngine) -> [[Float]] {
            run(
                network, values, weights, statistics, mode: .evaluation, products: products)
        }
        let exact = outputs(.native), rounded = outputs(.nativeBFloat16(order))
        #expect(exact != rounded)
        for (index, (a, b)) in zip(exact, rounded).enumerated() {
            let found = cosine(a, b)
            #expect(found >= Self.limit, "\(network.graph.nodes[values[index].index].operation)")
        }
    }

    @Test(
        "A convolution's output and gradients are float32's, given its input in training",
        arguments: networks, roundingOrders)
    func layerByLayer(backbone: Backbone, order: BFloat16Order) {
        let (network, weights, statistics) = drawn(backbone, size: 33)
        let graph = network.graph
        let convolutions = graph.nodes.indices.filter {
            if case .convolution = graph.nodes[$0].operation { true } else { false }
        }
        let inputs = convolutions.map { graph.nodes[$0].inputs[0] }
        let values = run(
            network, inputs.filter { $0 != network.image }, weights, statistics, mode: .training,
            products: .native)
        var rest = values[...]
        for (node, input) in zip(convolutions, inputs) {
            let x = input == network.image ? Self.image(network) : rest.removeFirst()
            guard let layer = Layer(graph, node, weights) else { continue }
            let exact = layer.run(x, .native), rounded = layer.run(x, .nativeBFloat16(order))
            #expect(exact != rounded, "\(layer.name)")
            for (what, (a, b)) in zip(["y", "dx", "dw"], zip(exact, rounded)) {
                #expect(cosine(a, b) >= Self.limit, "\(what) of \(layer.name)")
            }
        }
    }

    private func drawn(
        _ backbone: Backbone, size: Int
    ) -> (network: NetworkGraph, weights: [Float], statistics: [Float]) {
        let shape = NetworkShape(classes: 21, backbone: backbone)
        let network = DeepLab.primary(shape, batch: 2, height: size, width: size)
        func initial(_ declarations: [ParameterDeclaration]) -> [Float] {
            declarations.flatMap {
                InitialValues.values(of: $0, seed: 1, tensorName: "primary.\($0.name)")
            }
        }
        return (network, initial(network.graph.weights), initial(network.graph.statistics))
    }

    private static func image(_ network: NetworkGraph) -> [Float] {
        GoldenValues.signed("image", count: network.graph.shape(of: network.image).count)
    }

    /// The values after one forward pass.
    private func run(
        _ network: NetworkGraph, _ values: [Value], _ weights: [Float], _ statistics: [Float],
        mode: Plan.Mode, products: ProductEngine
    ) -> [[Float]] {
        let plan = Plan(
            network.graph, outputs: values, mode: mode,
            pool: ThreadPool(threadCount: 2, kernels: roundingKernels), products: products)
        _ = plan.input(network.image).update(fromContentsOf: Self.image(network))
        plan.forward(weights: weights, statistics: statistics, dropoutKey: 3)
        return values.map { Array(plan.output($0)) }
    }
}

/// One convolution of a network, alone.
private struct Layer {
    let name: String
    private let graph: Graph
    private let input: Value
    private let output: Value
    private let weights: [Float]

    /// Nil if the node is no convolution.
    init?(_ network: Graph, _ node: Int, _ networkWeights: [Float]) {
        guard case .convolution(let weight, _, let window) = network.nodes[node].operation else {
            return nil
        }
        let declaration = network.declaration(of: weight)
        name = declaration.name
        var graph = Graph()
        input = graph.input("x", network.shape(of: network.nodes[node].inputs[0]))
        output = graph.convolution(
            input, weight: graph.parameter(declaration), stride: window.stride,
            dilation: window.dilation)
        self.graph = graph
        let offset = network.offset(of: weight)
        weights = Array(networkWeights[offset..<offset + declaration.count])
    }

    /// The output, the gradient of the input and that of the weight.
    func run(_ x: [Float], _ products: ProductEngine) -> [[Float]] {
        let plan = Plan(
            graph, outputs: [output], mode: .training,
            pool: ThreadPool(threadCount: 2, kernels: roundingKernels), inputGradients: [input],
            products: products)
        _ = plan.input(input).update(fromContentsOf: x)
        plan.forward(weights: weights, statistics: [])
        let y = Array(plan.output(output))
        _ = plan.outputGradient(output)
            .update(fromContentsOf: GoldenValues.signed("dy \(name)", count: y.count))
        var gradients = [Float](repeating: .nan, count: weights.count)
        var noStatistics: Float = 0
        plan.backward(
            weights: weights, statistics: [], gradients: &gradients,
            batchStatistics: &noStatistics)
        return [y, Array(plan.inputGradient(input)), gradients]
    }
}
