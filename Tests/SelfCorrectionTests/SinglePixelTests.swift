import SelfCorrection
import Tensors
import Testing

/// The oracles of one pixel: a 1×1 logit map judged at 1×1 labels.
@Suite struct SinglePixelTests {
    static let primary: [Float] = [2, 0, -1]
    static let ancillary: [Float] = [0, 3, 0]
    static let probabilities = [0.8437947345, 0.1141951994, 0.0420100661]
    static let ancillaryProbabilities = [0.0452785007, 0.9094429985, 0.0452785007]

    struct LinearRow: Sendable {
        let alpha: Double
        let q: [Double]
        let crossEntropy: Double
        let gradient: [Double]
        let minimum: Double
    }

    static let rows = [
        LinearRow(
            alpha: 0, q: probabilities, crossEntropy: 0.5242666167, gradient: [0, 0, 0],
            minimum: 0),
        LinearRow(
            alpha: 0.5, q: [0.5399957013, 0.3869238275, 0.0730804712],
            crossEntropy: 1.1629350882, gradient: [0.3037990332, -0.2727286282, -0.0310704050],
            minimum: 0.7930163477),
        LinearRow(
            alpha: 1, q: [0.3482074279, 0.5740969930, 0.0776955791],
            crossEntropy: 1.5511267429, gradient: [0.4955873066, -0.4599017936, -0.0356855130],
            minimum: 1.1548551367),
        LinearRow(
            alpha: 2, q: [0.1937403524, 0.7349865550, 0.0712730926],
            crossEntropy: 1.8536384073, gradient: [0.6500543820, -0.6207913556, -0.0292630265],
            minimum: 1.4359827149),
        LinearRow(
            alpha: 30, q: [0.0526275463, 0.8995992216, 0.0477732321],
            crossEntropy: 2.1123641589, gradient: [0.7911671881, -0.7854040222, -0.0057631659],
            minimum: 1.7375510629),
    ]

    /// One weak image of one pixel.
    private func weak(_ objective: Objective) -> (loss: SlotObjective.Loss, gradient: [Float]) {
        let grid = LogitGrid(height: 1, width: 1, classes: 3, labelHeight: 1, labelWidth: 1)
        let slot = SlotObjective(
            grid, batch: 1, labelled: 0, pool: ThreadPool(threadCount: 1))
        var gradient = [Float](repeating: .nan, count: 3)
        let loss = slot.evaluate(
            objective,
            SlotObjective.Logits(primary: Self.primary, ancillary: Self.ancillary),
            SlotObjective.Truth(labels: [255], valid: [1]), primaryGradient: &gradient)
        return (loss, gradient)
    }

    @Test(
        "Oracle O1, Eq. 3–5: q, cross-entropy and gradient p − q of the linear correction",
        arguments: rows)
    func oracleO1(row: LinearRow) {
        let (loss, gradient) = weak(.linear(alpha: row.alpha))
        #expect(abs(loss.weak.mean - row.crossEntropy) < 1e-6)
        #expect(loss.total == loss.weak.mean)
        #expect(largestDifference(gradient, row.gradient) < 3e-7)
        let q = zip(Self.probabilities, gradient).map { $0 - Double($1) }
        #expect(zip(q, row.q).allSatisfy { abs($0 - $1) < 3e-7 })
    }

    @Test("Eq. 3: the linear correction's q minimises KL(q‖p) + α·KL(q‖p_anc)", arguments: rows)
    func equation3(row: LinearRow) {
        let gradient = weak(.linear(alpha: row.alpha)).gradient
        let q = zip(Self.probabilities, gradient).map { $0 - Double($1) }
        #expect(abs(equation3Value(q, row.alpha) - row.minimum) < 1e-5)
        for direction in [[1.0, -1, 0], [1, 0, -1], [0, 1, -1]] {
            for sign in [0.01, -0.01] {
                let moved = zip(q, direction).map { $0 + sign * $1 }
                #expect(equation3Value(moved, row.alpha) > row.minimum)
            }
        }
    }

    private func equation3Value(_ q: [Double], _ alpha: Double) -> Double {
        func divergence(_ p: [Double]) -> Double {
            zip(q, p).reduce(0) { $0 + $1.0 * logarithm($1.0 / $1.1) }
        }
        return divergence(Self.probabilities) + alpha * divergence(Self.ancillaryProbabilities)
    }

    @Test("Oracle O1, α → ∞: Eq. 2 takes the ancillary model's probabilities as they are")
    func equation2OfOnePixel() {
        let (loss, gradient) = weak(.noCorrection)
        #expect(abs(loss.weak.mean - 2.1245675188) < 1e-6)
        #expect(
            largestDifference(gradient, [0.7985162337, -0.7952477991, -0.0032684346]) < 3e-7)
    }

    @Test("Oracle O2: the gradient of a forgotten stop-gradient is not produced")
    func oracleO2() {
        let forgotten = Float64Objective.gradient(at: Self.primary.map(Double.init)) { logits in
            let combined = zip(logits, Self.ancillary).map { ($0 + 2 * Double($1)) / 3 }
            let q = Float64Objective.softmax(combined)
            return -zip(q, Float64Objective.logSoftmax(logits)).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let oracle = [0.5413148718, -0.5433219077, 0.0020070359]
        #expect(zip(forgotten, oracle).allSatisfy { abs($0 - $1) < 1e-7 })
        let produced = weak(.linear(alpha: 2)).gradient
        #expect(largestDifference(produced, oracle) > 0.1)
        #expect(
            largestDifference(produced, [0.6500543820, -0.6207913556, -0.0292630265]) < 3e-7)
    }

    @Test(
        "Oracle O5: a final ReLU lets no gradient through a clamped corrector output",
        arguments: [
            (
                Activation.relu, 1.6802696706,
                [0.5064803911, 0, 0.3071958857]
            ),
            (
                Activation.none, 3.5045969023,
                [0.6037488961, -0.9699411124, 0.3661922163]
            ),
        ])
    func oracleO5(activation: Activation, crossEntropy: Double, gradient: [Double]) {
        let shape = Shape(batch: 1, height: 1, width: 1, channels: 3)
        var graph = Graph()
        let z = graph.input("z", shape)
        let logits = graph.activation(z, activation)
        let pool = ThreadPool(threadCount: 1)
        let plan = Plan(
            graph, outputs: [logits], mode: .training, pool: pool, inputGradients: [z])
        for (index, value) in [Float(1), -2, 0.5].enumerated() { plan.input(z)[index] = value }
        var none: [Float] = [0]
        plan.forward(weights: none, statistics: none, dropoutKey: 0)
        let grid = LogitGrid(height: 1, width: 1, classes: 3, labelHeight: 1, labelWidth: 1)
        let slot = SlotObjective(grid, batch: 1, labelled: 1, pool: pool)
        var primaryGradient = [Float](repeating: .nan, count: 3)
        let output = plan.output(logits).baseAddress!
        let loss = slot.evaluate(
            .warmup, SlotObjective.Logits(primary: output, corrector: output),
            SlotObjective.Truth(labels: [1]), primaryGradient: &primaryGradient,
            correctorGradient: plan.outputGradient(logits).baseAddress!)
        var batchStatistics: [Float] = [0]
        plan.backward(
            weights: [0], statistics: [0], gradients: &none, batchStatistics: &batchStatistics)
        #expect(abs(loss.corrector.mean - crossEntropy) < 1e-6)
        #expect(largestDifference(Array(plan.inputGradient(z)), gradient) < 3e-7)
    }

    @Test(
        "Oracle O6: uniform logits cost ln K",
        arguments: [
            (21, 3.0445224377), (19, 2.9444389792), (12, 2.4849066498), (11, 2.3978952728),
        ])
    func oracleO6(classes: Int, crossEntropy: Double) {
        let grid = LogitGrid(
            height: 3, width: 3, classes: classes, labelHeight: 9, labelWidth: 9)
        let slot = SlotObjective(grid, batch: 1, labelled: 1, pool: ThreadPool(threadCount: 1))
        let logits = [Float](repeating: 0.3, count: grid.logitCount)
        var gradient = logits
        let labels = (0..<81).map { UInt8($0 % classes) }
        let loss = slot.evaluate(
            .labelled, SlotObjective.Logits(primary: logits),
            SlotObjective.Truth(labels: labels), primaryGradient: &gradient)
        #expect(abs(loss.total - crossEntropy) < 1e-6)
    }

    @Test(
        "Oracle O15: EM-fixed adds 5 to the background and 6 to the classes of the boxes",
        arguments: [
            ([Float(1.0), 0.2, 0.9, 4.0], [Float(1), 0, 0, 0], UInt8(1), UInt8(0)),
            ([1.0, 0.2, 0.9, 4.0], [0, 1, 0, 0], 1, 1),
            ([1.0, 0.2, 0.9, 4.0], [0, 0, 1, 0], 1, 2),
            ([1.0, 0.2, 0.9, 8.0], [0, 1, 0, 0], 1, 3),
            ([1.0, 0.2, 0.9, 4.0], [0, 1, 0, 0], 0, 3),
        ])
    func oracleO15(scores: [Float], boxes: [Float], valid: UInt8, expected: UInt8) {
        var raised = scores
        var label: [UInt8] = [99]
        ExpectationMaximisation().labels(
            into: &label, scores: &raised, boxes: boxes, valid: [valid], count: 1, classes: 4)
        #expect(label == [expected])
    }
}
