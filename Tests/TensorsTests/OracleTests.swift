import CKernels
import Tensors
import Testing
import TestSupport

/// Oracles of the method's specification: numbers worked out by hand or with other programs.
@Suite struct OracleTests {
    private let pool = ThreadPool(threadCount: 2)

    private func evaluate(
        _ shape: Shape, _ x: [Float], weights: [Float] = [], statistics: [Float] = [],
        mode: Plan.Mode = .evaluation, _ build: (inout Graph, Value) -> Value
    ) -> [Float] {
        var graph = Graph()
        let input = graph.input("x", shape), output = build(&graph, input)
        let plan = Plan(graph, outputs: [output], mode: mode, pool: pool)
        _ = plan.input(input).update(fromContentsOf: x)
        plan.forward(weights: weights, statistics: statistics)
        return Array(plan.output(output))
    }

    private func expect(_ values: [Float], _ expected: [Double], within tolerance: Double = 1e-6) {
        #expect(values.count == expected.count)
        for (value, reference) in zip(values, expected) {
            #expect(abs(Double(value) - reference) <= tolerance, "\(values) is not \(expected)")
        }
    }

    @Test func `O7 bilinear resampling aligns corners`() {
        let up = evaluate(shape(1, 2, 2, 1), [0, 1, 2, 3]) {
            $0.resizeBilinear($1, height: 3, width: 3)
        }
        expect(up, [0, 0.5, 1, 1, 1.5, 2, 2, 2.5, 3])
        for (width, expected) in [
            (4, [0, 6.6667, 13.3333, 20]), (2, [0, 20]), (1, [0]),
        ] {
            let line = evaluate(shape(1, 1, 3, 1), [0, 10, 20]) {
                $0.resizeBilinear($1, height: 1, width: width)
            }
            expect(line, expected, within: 1e-4)
        }
    }

    @Test func `O7 the adjoint of resampling spreads ones evenly`() {
        var graph = Graph()
        let x = graph.input("x", shape(1, 2, 2, 1))
        let y = graph.resizeBilinear(x, height: 3, width: 3)
        let plan = Plan(graph, outputs: [y], mode: .training, pool: pool, inputGradients: [x])
        let run = PlanRun(
            plan, inputs: [(x, [0, 1, 2, 3])], weights: [], statistics: [],
            outputGradients: [Array(repeating: 1, count: 9)])
        expect(run.inputs[0], [2.25, 2.25, 2.25, 2.25])
    }

    @Test func `O7 labels take the nearest of aligned corners`() {
        var labels: [UInt8] = [9, 9, 9, 9, 9]
        ck_resize_labels_nearest(&labels, [0, 1, 2], 1, 3, 1, 5)
        #expect(labels == [0, 1, 1, 2, 2])
        let values = evaluate(shape(1, 1, 3, 1), [0, 1, 2]) {
            $0.resizeNearest($1, height: 1, width: 5)
        }
        expect(values, [0, 1, 1, 2, 2])
    }

    @Test func `O8 padding is fixed and symmetric`() {
        let ones = Array(repeating: Float(1), count: 9)
        let strided = evaluate(shape(1, 4, 4, 1), Array(repeating: 1, count: 16), weights: ones) {
            $0.convolve($1, to: 1, size: 3, stride: 2)
        }
        expect(strided, [4, 6, 6, 9])
        let depthwise = evaluate(shape(1, 4, 4, 1), Array(repeating: 1, count: 16), weights: ones) {
            $0.depthwise($1, stride: 2)
        }
        expect(depthwise, [4, 6, 6, 9])
        let odd = evaluate(shape(1, 5, 5, 1), Array(repeating: 1, count: 25), weights: ones) {
            $0.convolve($1, to: 1, size: 3, stride: 2)
        }
        expect(odd, [4, 6, 4, 6, 9, 6, 4, 6, 4])
    }

    @Test func `O9 an atrous convolution skips between its taps`() {
        // The middle row of a 3×3 kernel is the one-dimensional kernel.
        let weights: [Float] = [0, 0, 0, 1, 2, 3, 0, 0, 0]
        let y = evaluate(shape(1, 1, 5, 1), [1, 2, 3, 4, 5], weights: weights) {
            $0.convolve($1, to: 1, size: 3, dilation: 2)
        }
        expect(y, [11, 16, 22, 10, 13])
        let depthwise = evaluate(shape(1, 1, 5, 1), [1, 2, 3, 4, 5], weights: weights) {
            $0.depthwise($1, dilation: 2)
        }
        expect(depthwise, [11, 16, 22, 10, 13])
    }

    @Test func `O10 strides keep sizes of the form 16k + 1`() {
        for (size, quarters) in [(513, [257, 129, 65, 33]), (321, [161, 81, 41, 21])] {
            var graph = Graph()
            var x = graph.input("x", shape(1, size, size, 1))
            for expected in quarters {
                x = graph.depthwise(x, stride: 2)
                #expect(graph.shape(of: x) == shape(1, expected, expected, 1))
            }
        }
    }

    @Test(arguments: [
        (Float(1e-3), [-1.0688922797, -0.5344461398, 0, 1.6033384195]),
        (Float(1e-5), [-1.0690434404, -0.5345217202, 0, 1.6035651607]),
    ])
    func `O11 batch norm uses the biased variance and reports the unbiased`(
        epsilon: Float, expected: [Double]
    ) {
        var graph = Graph()
        let x = graph.input("x", shape(4, 1, 1, 1))
        let y = graph.norm(x, .none, epsilon: epsilon)
        let plan = Plan(
            graph, outputs: [y], mode: .training, pool: pool, inputGradients: [x])
        let run = PlanRun(
            plan, inputs: [(x, [1, 2, 3, 6])], weights: [1, 0], statistics: [0, 1],
            outputGradients: [[1, 1, 1, 1]])
        expect(run.outputs[0], expected, within: 1e-6)
        expect(run.statistics, [3, 4.6666666667], within: 1e-6)
        expect(run.inputs[0], [0, 0, 0, 0], within: 1e-6)
    }

    @Test func `O14 attention follows the boxes`() {
        var graph = Graph()
        let masks = graph.input("masks", shape(1, 3, 3, 2))
        let features = graph.input("features", shape(1, 3, 3, 1))
        let gate = graph.convolve(masks, to: 1, size: 3, biased: true)
        let y = graph.sigmoidGate(features: features, gate: gate)
        let plan = Plan(graph, outputs: [y], mode: .evaluation, pool: pool)
        let centre = 4
        _ = plan.input(masks).update(
            fromContentsOf: (0..<9).flatMap { $0 == centre ? [Float(0), 1] : [1, 0] })
        _ = plan.input(features).update(fromContentsOf: Array(repeating: Float(1), count: 9))
        var weights = Array(repeating: Float(-0.1), count: 9) + Array(repeating: 0, count: 9)
        weights[9 + centre] = 2
        weights.append(0.5)
        plan.forward(weights: weights, statistics: [])
        let (corner, edge, middle) = (0.549833997, 0.5, 0.845534735)
        expect(
            Array(plan.output(y)),
            [corner, edge, corner, edge, middle, edge, corner, edge, corner], within: 1e-6)
    }
}
