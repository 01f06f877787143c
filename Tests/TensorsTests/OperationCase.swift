import Tensors
import TestSupport

/// A graph of one operation with random operands.
struct OperationCase: Sendable, CustomStringConvertible {
    /// Linear operations are judged against the sum of their terms' magnitudes.
    enum Arithmetic { case linear, smooth }

    let name: String
    let graph: Graph
    let inputs: [Value]
    let output: Value
    let arithmetic: Arithmetic
    /// Addends of the longest sum.
    let terms: Int
    var mode = Plan.Mode.training

    var description: String { name }

    init(
        _ name: String, _ arithmetic: Arithmetic, terms: Int, _ shapes: [Shape],
        mode: Plan.Mode = .training, build: (inout Graph, [Value]) -> Value
    ) {
        self.name = name
        self.arithmetic = arithmetic
        self.terms = terms
        self.mode = mode
        var graph = Graph()
        inputs = shapes.enumerated().map { graph.input("x\($0)", $1) }
        output = build(&graph, inputs)
        self.graph = graph
    }

    /// Weights around 0, variances in [0.5, 1.5).
    func parameters(_ generator: inout SeededGenerator) -> (weights: [Float], statistics: [Float]) {
        let weights = generator.floats(graph.weightCount)
        let statistics = graph.statistics.flatMap {
            generator.floats($0.count, in: $0.name.hasSuffix("var") ? 0.5..<1.5 : -0.5..<0.5)
        }
        return (weights, statistics)
    }
}

extension Graph {
    mutating func weight(_ shape: [Int], _ name: String = "w") -> Parameter {
        parameter(ParameterDeclaration(name: "\(name)\(weights.count)", shape: shape))
    }

    mutating func statistic(_ channels: Int, _ name: String) -> Parameter {
        parameter(
            ParameterDeclaration(
                name: "\(statistics.count).\(name)", shape: [channels], role: .statistic))
    }

    mutating func norm(
        _ x: Value, _ activation: Activation, epsilon: Float = 1e-3
    ) -> Value {
        let channels = shape(of: x).channels
        let gamma = weight([channels], "gamma"), beta = weight([channels], "beta")
        let mean = statistic(channels, "mean"), variance = statistic(channels, "var")
        return batchNorm(
            x, gamma: gamma, beta: beta, mean: mean, variance: variance, epsilon: epsilon,
            activation: activation)
    }

    mutating func convolve(
        _ x: Value, to outputs: Int, size: Int = 1, stride: Int = 1, dilation: Int = 1,
        biased: Bool = false
    ) -> Value {
        let w = weight([outputs, shape(of: x).channels, size, size])
        let bias = biased ? weight([outputs], "bias") : nil
        return convolution(x, weight: w, bias: bias, stride: stride, dilation: dilation)
    }

    mutating func depthwise(_ x: Value, size: Int = 3, stride: Int = 1, dilation: Int = 1) -> Value
    {
        let w = weight([shape(of: x).channels, 1, size, size])
        return depthwiseConvolution(x, weight: w, stride: stride, dilation: dilation)
    }
}

func shape(_ batch: Int, _ height: Int, _ width: Int, _ channels: Int) -> Shape {
    Shape(batch: batch, height: height, width: width, channels: channels)
}
