import Tensors

/// Runs a graph in float64 with plain loops: what every engine is compared with.
///
/// Written from the definitions, one nested loop per operation, without tiles, packing or reuse.
package struct GraphTwin {
    package let graph: Graph
    package var weights: [Double]
    package var statistics: [Double]
    package var mode: Plan.Mode
    package var dropoutKey: UInt64

    /// What backward gives: gradients of values and weights, and the slot's batch statistics.
    package struct Gradients {
        package var values: [[Double]]
        package var weights: [Double]
        package var batchStatistics: [Double]

        package func of(_ value: Value) -> [Double] { values[value.index] }
    }

    package init(
        _ graph: Graph, weights: [Float], statistics: [Float], mode: Plan.Mode = .training,
        dropoutKey: UInt64 = 0
    ) {
        self.graph = graph
        self.weights = weights.map(Double.init)
        self.statistics = statistics.map(Double.init)
        self.mode = mode
        self.dropoutKey = dropoutKey
    }

    func weight(_ parameter: Parameter) -> [Double] {
        let offset = graph.offset(of: parameter)
        return Array(weights[offset..<offset + graph.declaration(of: parameter).count])
    }

    func statistic(_ parameter: Parameter) -> [Double] {
        let offset = graph.offset(of: parameter)
        return Array(statistics[offset..<offset + graph.declaration(of: parameter).count])
    }

    /// Every value of the graph, by index.
    package func forward(_ inputs: [Value: [Double]]) -> [[Double]] {
        var values: [[Double]] = []
        for index in graph.nodes.indices {
            let node = graph.nodes[index]
            let arguments = node.inputs.map { values[$0.index] }
            values.append(
                evaluate(node, arguments) ?? inputs[Value(index: index)]!)
            precondition(values[index].count == node.shape.count, "value \(index) has a wrong size")
        }
        return values
    }

    private func evaluate(_ node: Graph.Node, _ x: [[Double]]) -> [Double]? {
        let input = node.inputs.first.map(graph.shape(of:))
        switch node.operation {
        case .input:
            return nil
        case .convolution(let weight, let bias, let window):
            let grid = WindowGrid(window, input!, node.shape)
            return grid.convolution(x[0], self.weight(weight), bias.map(self.weight))
        case .depthwise(let weight, let window):
            return WindowGrid(window, input!, node.shape).depthwise(x[0], self.weight(weight))
        case .batchNorm(let norm):
            return batchNorm(norm, node.shape).forward(x[0])
        case .activation(let activation):
            return x[0].map { activation.apply($0) }
        case .add:
            return zip(x[0], x[1]).map { $0 + $1 }
        case .concatenate:
            return concatenated(x, channels: node.inputs.map { graph.shape(of: $0).channels })
        case .globalAveragePool:
            return ResamplingTwin.mean(input!, node.shape).apply(x[0])
        case .sigmoidGate:
            return zip(x[0], x[1]).map { $0 * sigmoid($1) }
        case .resizeBilinear:
            return ResamplingTwin.bilinear(input!, node.shape).apply(x[0])
        case .resizeArea:
            return ResamplingTwin.area(input!, node.shape).apply(x[0])
        case .resizeNearest:
            return ResamplingTwin.nearest(input!, node.shape).apply(x[0])
        case .dropout(let keep, let index):
            return zip(x[0], dropoutFactors(x[0].count, keep: keep, index: index)).map { $0 * $1 }
        }
    }

    /// Gradients of `Σ outputGradients · outputs` at `values`, the result of ``forward(_:)``.
    package func backward(_ values: [[Double]], _ outputGradients: [Value: [Double]]) -> Gradients {
        var result = Gradients(
            values: values.map { Array(repeating: 0, count: $0.count) },
            weights: Array(repeating: 0, count: weights.count), batchStatistics: statistics)
        for index in graph.nodes.indices {
            guard let given = outputGradients[Value(index: index)] else { continue }
            add(given, to: &result.values[index])
        }
        for index in graph.nodes.indices.reversed() {
            differentiate(graph.nodes[index], values, dy: result.values[index], into: &result)
        }
        return result
    }

    private func differentiate(
        _ node: Graph.Node, _ values: [[Double]], dy: [Double], into result: inout Gradients
    ) {
        guard let first = node.inputs.first else { return }
        let x = values[first.index], input = graph.shape(of: first)
        var dx: [Double]
        switch node.operation {
        case .input:
            return
        case .convolution(let weight, let bias, let window):
            let gradient = WindowGrid(window, input, node.shape)
                .convolutionBackward(x, self.weight(weight), dy)
            dx = gradient.x
            put(gradient.weight, at: weight, in: &result.weights)
            if let bias {
                put(columnSums(dy, node.shape.channels), at: bias, in: &result.weights)
            }
        case .depthwise(let weight, let window):
            let gradient = WindowGrid(window, input, node.shape)
                .depthwiseBackward(x, self.weight(weight), dy)
            dx = gradient.x
            put(gradient.weight, at: weight, in: &result.weights)
        case .batchNorm(let norm):
            dx = differentiate(norm, node, x, dy, &result)
        case .activation(let activation):
            dx = zip(dy, x).map { $0 * activation.slope(at: $1) }
        case .add:
            dx = dy
            add(dy, to: &result.values[node.inputs[1].index])
        case .concatenate:
            let parts = split(dy, channels: node.inputs.map { graph.shape(of: $0).channels })
            for (part, value) in zip(parts, node.inputs) {
                add(part, to: &result.values[value.index])
            }
            return
        case .sigmoidGate:
            let gate = values[node.inputs[1].index].map(sigmoid)
            dx = zip(dy, gate).map { $0 * $1 }
            let dz = x.indices.map { dy[$0] * x[$0] * gate[$0] * (1 - gate[$0]) }
            add(dz, to: &result.values[node.inputs[1].index])
        case .globalAveragePool:
            dx = ResamplingTwin.mean(input, node.shape).adjoint(dy)
        case .resizeBilinear:
            dx = ResamplingTwin.bilinear(input, node.shape).adjoint(dy)
        case .resizeArea:
            dx = ResamplingTwin.area(input, node.shape).adjoint(dy)
        case .resizeNearest:
            dx = ResamplingTwin.nearest(input, node.shape).adjoint(dy)
        case .dropout(let keep, let index):
            dx = zip(dy, dropoutFactors(x.count, keep: keep, index: index)).map { $0 * $1 }
        }
        add(dx, to: &result.values[first.index])
    }

    private func differentiate(
        _ norm: Operation.BatchNorm, _ node: Graph.Node, _ x: [Double], _ dy: [Double],
        _ result: inout Gradients
    ) -> [Double] {
        let twin = batchNorm(norm, node.shape)
        let gradient = twin.backward(x, dy)
        put(gradient.gamma, at: norm.gamma, in: &result.weights)
        put(gradient.beta, at: norm.beta, in: &result.weights)
        if twin.usesBatch {
            let moments = twin.moments(x)
            put(moments.mean, at: norm.mean, in: &result.batchStatistics)
            let rows = Double(node.shape.rows)
            put(
                moments.variance.map { $0 * rows / (rows - 1) }, at: norm.variance,
                in: &result.batchStatistics)
        }
        return gradient.x
    }

    private func batchNorm(_ norm: Operation.BatchNorm, _ shape: Shape) -> BatchNormTwin {
        BatchNormTwin(
            gamma: weight(norm.gamma), beta: weight(norm.beta), mean: statistic(norm.mean),
            variance: statistic(norm.variance), epsilon: Double(norm.epsilon),
            activation: norm.activation, rows: shape.rows,
            usesBatch: mode == .training && shape.rows > 1)
    }

    private func put(_ values: [Double], at parameter: Parameter, in flat: inout [Double]) {
        let offset = graph.offset(of: parameter)
        for (index, value) in values.enumerated() { flat[offset + index] = value }
    }
}

private func add(_ term: [Double], to sum: inout [Double]) {
    for index in sum.indices { sum[index] += term[index] }
}

private func columnSums(_ x: [Double], _ channels: Int) -> [Double] {
    var sums = Array(repeating: 0.0, count: channels)
    for index in x.indices { sums[index % channels] += x[index] }
    return sums
}
