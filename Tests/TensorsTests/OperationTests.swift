import Tensors
import Testing
import TestSupport

@Suite struct OperationTests {
    @Test(arguments: OperationCase.small)
    func `a twin's gradients are its central differences`(operation: OperationCase) {
        var generator = SeededGenerator(seed: 11)
        let operands = Operands(operation, &generator)
        let twin = operands.twin
        let gradients = twin.backward(
            twin.forward(operands.inputs), [operation.output: operands.dy])
        func loss(_ twin: GraphTwin, _ inputs: [Value: [Double]]) -> Double {
            let y = twin.forward(inputs)[operation.output.index]
            return zip(y, operands.dy).reduce(0) { $0 + $1.0 * $1.1 }
        }
        for value in operation.inputs {
            let differences = centralDifferences(at: operands.inputs[value]!) { point in
                loss(twin, operands.inputs.merging([value: point]) { $1 })
            }
            expectClose(gradients.of(value), differences, "d\(value.index)")
        }
        let differences = centralDifferences(at: twin.weights) { point in
            var moved = twin
            moved.weights = point
            return loss(moved, operands.inputs)
        }
        expectClose(gradients.weights, differences, "weights")
    }

    private func expectClose(_ a: [Double], _ b: [Double], _ what: String) {
        let scale = max(1, (a + b).map(abs).max() ?? 0)
        for (index, (x, y)) in zip(a, b).enumerated() where abs(x - y) > 1e-6 * scale {
            Issue.record("\(what)[\(index)]: \(x), by differences \(y)")
        }
    }

    @Test(
        arguments: OperationCase.small + OperationCase.large,
        [ProductEngine.native, .openBLAS])
    func `an operation agrees with its twin`(operation: OperationCase, products: ProductEngine) {
        var generator = SeededGenerator(seed: 5)
        let operands = Operands(operation, &generator)
        let plan = Plan(
            operation.graph, outputs: [operation.output], mode: .training,
            pool: ThreadPool(threadCount: 2), inputGradients: operation.inputs,
            products: products)
        let run = PlanRun(
            plan, inputs: operation.inputs.map { ($0, operands.inputs[$0]!.map { Float($0) }) },
            weights: operands.weights, statistics: operands.statistics,
            outputGradients: [operands.dy.map { Float($0) }])
        let twin = operands.twin, values = twin.forward(operands.inputs)
        let expected = twin.backward(values, [operation.output: operands.dy])
        let bound = operands.bound(operation)
        bound.expect(run.outputs[0], values[operation.output.index], \.y, "y")
        bound.expect(run.weights, expected.weights, \.weights, "weights")
        bound.expect(run.statistics, expected.batchStatistics, \.statistics, "statistics")
        for (index, value) in operation.inputs.enumerated() {
            bound.expect(run.inputs[index], expected.of(value), \.inputs[index], "dx\(index)")
        }
    }

    @Test func `evaluation normalises with the running statistics and keeps every activation`() {
        var generator = SeededGenerator(seed: 3)
        let operation = OperationCase("evaluation", .smooth, terms: 24, [shape(2, 3, 4, 3)]) {
            let norm = $0.norm($1[0], .relu6)
            return $0.dropout(norm, keep: 0.5)
        }
        let operands = Operands(operation, &generator)
        let plan = Plan(
            operation.graph, outputs: [operation.output], mode: .evaluation,
            pool: ThreadPool(threadCount: 2))
        let run = PlanRun(
            plan, inputs: operation.inputs.map { ($0, operands.inputs[$0]!.map { Float($0) }) },
            weights: operands.weights, statistics: operands.statistics, outputGradients: [])
        var twin = operands.twin
        twin.mode = .evaluation
        let y = twin.forward(operands.inputs)[operation.output.index]
        for (float, double) in zip(run.outputs[0], y) {
            #expect(abs(Double(float) - double) < 1e-5)
        }
    }
}

/// Random operands of a case and the twin that holds them.
struct Operands {
    let inputs: [Value: [Double]]
    let dy: [Double]
    let weights: [Float]
    let statistics: [Float]
    let twin: GraphTwin

    init(_ operation: OperationCase, _ generator: inout SeededGenerator) {
        let graph = operation.graph
        (weights, statistics) = operation.parameters(&generator)
        var inputs: [Value: [Double]] = [:]
        for value in operation.inputs {
            // Up to 8, so that ReLU6 reaches both of its ends.
            inputs[value] = generator.floats(graph.shape(of: value).count, in: -8..<8)
                .map(Double.init)
        }
        self.inputs = inputs
        dy = generator.floats(graph.shape(of: operation.output).count).map(Double.init)
        twin = GraphTwin(
            graph, weights: weights, statistics: statistics, mode: operation.mode, dropoutKey: 7)
    }

    /// What may separate float from double: 1e-6·√K of the sum of the terms' magnitudes for linear
    /// operations; for the others 1e-5 of the largest magnitude, taken as at least the operands' 1.
    func bound(_ operation: OperationCase) -> ErrorBound {
        let isLinear = operation.arithmetic == .linear
        var magnitude = twin
        if isLinear { magnitude.weights = twin.weights.map(abs) }
        let inputs = isLinear ? inputs.mapValues { $0.map(abs) } : inputs
        let dy = isLinear ? dy.map(abs) : dy
        let values = magnitude.forward(inputs)
        let gradients = magnitude.backward(values, [operation.output: dy])
        let terms = ErrorBound.Results(
            y: values[operation.output.index], weights: gradients.weights,
            statistics: gradients.batchStatistics,
            inputs: operation.inputs.map { gradients.of($0) })
        return ErrorBound(
            magnitudes: isLinear ? terms : terms.flattened,
            relative: isLinear ? 1e-6 * Double(operation.terms).squareRoot() : 1e-5)
    }
}

struct ErrorBound {
    struct Results {
        var y, weights, statistics: [Double]
        var inputs: [[Double]]

        /// Each list with its largest magnitude, or 1, everywhere.
        var flattened: Results {
            func flat(_ list: [Double]) -> [Double] {
                Array(repeating: max(1, list.map(abs).max() ?? 0), count: list.count)
            }
            return Results(
                y: flat(y), weights: flat(weights), statistics: flat(statistics),
                inputs: inputs.map(flat))
        }
    }

    let magnitudes: Results
    let relative: Double

    func expect(
        _ float: [Float], _ double: [Double], _ list: KeyPath<Results, [Double]>, _ what: String
    ) {
        let scale = magnitudes[keyPath: list]
        #expect(float.count == double.count)
        for (index, (x, y)) in zip(float, double).enumerated()
        where !(abs(Double(x) - y) <= relative * abs(scale[index])) {
            Issue.record("\(what)[\(index)]: \(x), not \(y) ± \(relative * abs(scale[index]))")
            return
        }
    }
}
