import Checkpoints
import Tensors
import Testing

/// One forward and backward pass on the values of `Golden/make_golden.py`.
struct GoldenRun {
    /// The largest error allowed, as a share of the tensor's largest value.
    static let tolerance: Float = 2e-4
    /// The same as a share of the largest value of all gradients, for those that cancel to nearly 0.
    static let gradientFloor: Float = 2e-6

    private let graph: Graph
    private let outputs: [(name: String, value: Value)]
    private let inputGradients: [(name: String, value: Value)]
    private let plan: Plan
    private let weights: [Float]
    private let statistics: [Float]

    init(
        _ graph: Graph, outputs: KeyValuePairs<String, Value>, mode: Plan.Mode,
        inputGradients: KeyValuePairs<String, Value> = [:]
    ) {
        self.graph = graph
        self.outputs = outputs.map { ($0.key, $0.value) }
        self.inputGradients = inputGradients.map { ($0.key, $0.value) }
        plan = Plan(
            graph, outputs: outputs.map(\.value), mode: mode, pool: ThreadPool(threadCount: 2),
            inputGradients: inputGradients.map(\.value))
        weights = graph.weights.flatMap(GoldenValues.parameter)
        statistics = graph.statistics.flatMap(GoldenValues.parameter)
    }

    func fillInput(_ input: Value, named name: String, scale: Double = 1) {
        let values = GoldenValues.signed(name, count: graph.shape(of: input).count, scale: scale)
        _ = plan.input(input).update(fromContentsOf: values)
    }

    func fillBoxes(_ input: Value) {
        _ = plan.input(input).update(fromContentsOf: GoldenValues.boxes(graph.shape(of: input)))
    }

    func expectEqual(toGolden file: String) throws {
        let golden = try SafetensorsFile(path: GoldenValues.directory + "/\(file).safetensors")
        plan.forward(weights: weights, statistics: statistics, dropoutKey: 0)
        var compared = 0
        for (name, value) in outputs {
            try expect(Array(plan.output(value)), "output.\(name)", golden, floor: 0)
            compared += 1
        }
        if plan.mode == .training { compared += try expectBackward(golden) }
        #expect(compared == golden.tensors.count, "\(file) holds more than was compared")
    }

    private func expectBackward(_ golden: SafetensorsFile) throws -> Int {
        for (name, value) in outputs {
            let weighting = GoldenValues.signed(
                "weighting.\(name)", count: graph.shape(of: value).count)
            _ = plan.outputGradient(value).update(fromContentsOf: weighting)
        }
        // NaN, so that an element that is not overwritten shows.
        var gradients = [Float](repeating: .nan, count: graph.weightCount)
        var batchStatistics = [Float](repeating: .nan, count: graph.statisticCount)
        plan.backward(
            weights: weights, statistics: statistics, gradients: &gradients,
            batchStatistics: &batchStatistics)
        let floor = Self.gradientFloor * (gradients.map(abs).max() ?? 0)
        try expect(gradients, of: graph.weights, "gradient", golden, floor: floor)
        for (name, value) in inputGradients {
            try expect(
                Array(plan.inputGradient(value)), "input_gradient.\(name)", golden, floor: floor)
        }
        let updated = try expect(
            batchStatistics, of: graph.statistics, "batch", golden, floor: 1e-6)
        return graph.weights.count + inputGradients.count + updated
    }

    /// Compares the slices of a flat buffer; a statistic that is never updated has no golden.
    @discardableResult
    private func expect(
        _ flat: [Float], of declarations: [ParameterDeclaration], _ prefix: String,
        _ golden: SafetensorsFile, floor: Float
    ) throws -> Int {
        var offset = 0, compared = 0
        for declaration in declarations {
            let slice = Array(flat[offset..<offset + declaration.count])
            offset += declaration.count
            if declaration.role == .statistic, declaration.updates == .never { continue }
            try expect(slice, "\(prefix).\(declaration.name)", golden, floor: floor)
            compared += 1
        }
        return compared
    }

    private func expect(
        _ actual: [Float], _ name: String, _ golden: SafetensorsFile, floor: Float
    ) throws {
        let expected = try golden.floats(name)
        try #require(expected.count == actual.count, "\(name)")
        let scale = expected.map(abs).max() ?? 0
        let limit = Self.tolerance * scale + floor
        var worst: Float = 0
        for (a, e) in zip(actual, expected) { worst = max(worst, a.isNaN ? .infinity : abs(a - e)) }
        #expect(worst <= limit, "\(name): error \(worst), largest value \(scale)")
    }
}
