import SelfCorrection
import Testing

/// Each equation against its float64 twin: values directly, gradients by central differences.
@Suite struct EquationTests {
    private let slot = SlotFixture()
    private var labelledCount: Int { SlotFixture.labelled * slot.grid.logitCount }

    private func expectLabelled(_ result: SlotFixture.Result) {
        let logits = slot.primary[..<labelledCount].map(Double.init)
        let gradient = Float64Objective.gradient(at: logits, of: slot.labelledTerm)
        #expect(abs(result.loss.labelled.mean - slot.labelledTerm(logits)) < 1e-6)
        #expect(
            largestDifference(Array(result.primaryGradient[..<labelledCount]), gradient) < 2e-7)
    }

    private func expectWeak(_ result: SlotFixture.Result, _ targets: [[[Double]]]) {
        let logits = slot.primary[labelledCount...].map(Double.init)
        let term = { slot.weakTerm($0, targets: targets) }
        let gradient = Float64Objective.gradient(at: logits, of: term)
        #expect(abs(result.loss.weak.mean - term(logits)) < 1e-6)
        #expect(
            largestDifference(Array(result.primaryGradient[labelledCount...]), gradient) < 2e-7)
    }

    @Test("Eq. 1: cross-entropy with the labels of F alone")
    func equation1() {
        let result = slot.evaluate(.labelled)
        expectLabelled(result)
        #expect(result.loss.weak.pixels == 0 && result.loss.weak.mean == 0)
        #expect(result.primaryGradient[labelledCount...].allSatisfy { $0 == 0 })
        #expect(result.loss.total == result.loss.labelled.mean)
    }

    @Test("Eq. 2: on W the target is the ancillary model's softmax")
    func equation2() {
        let result = slot.evaluate(.noCorrection)
        expectLabelled(result)
        expectWeak(result, slot.targets { _, a, _ in a })
        #expect(result.loss.total == result.loss.labelled.mean + result.loss.weak.mean)
    }

    @Test(
        "Eq. 4 and 5: on W the target is the softmax of (l + α·a) / (1 + α)",
        arguments: [0.5, 2.0, 30.0])
    func equation4And5(alpha: Double) {
        let result = slot.evaluate(.linear(alpha: alpha))
        expectLabelled(result)
        // Combined in float64 after upsampling: also the equality of both orders.
        expectWeak(
            result, slot.targets { p, a, _ in zip(p, a).map { ($0 + alpha * $1) / (1 + alpha) } })
    }

    @Test("Eq. 6: three terms, the second with the corrector's softmax as a constant")
    func equation6() {
        let result = slot.evaluate(.convolutional)
        expectLabelled(result)
        expectWeak(result, slot.targets { _, _, c in c })
        expectCorrector(result)
        #expect(
            result.loss.total
                == result.loss.labelled.mean + result.loss.corrector.mean + result.loss.weak.mean)
    }

    @Test("Eq. 6, terms 1 and 3: the warmup leaves W alone")
    func equation6Warmup() {
        let result = slot.evaluate(.warmup)
        expectLabelled(result)
        expectCorrector(result)
        #expect(result.loss.weak.pixels == 0)
        #expect(result.primaryGradient[labelledCount...].allSatisfy { $0 == 0 })
    }

    /// Term 3 reaches the corrector's logits of F and none of W.
    private func expectCorrector(_ result: SlotFixture.Result) {
        let logits = slot.corrector[..<labelledCount].map(Double.init)
        let gradient = Float64Objective.gradient(at: logits, of: slot.labelledTerm)
        #expect(abs(result.loss.corrector.mean - slot.labelledTerm(logits)) < 1e-6)
        #expect(
            largestDifference(Array(result.correctorGradient[..<labelledCount]), gradient) < 2e-7)
        #expect(result.correctorGradient[labelledCount...].allSatisfy { $0 == 0 })
    }

    @Test("EM-fixed: on W the target is the class that maximises score and box bias at label size")
    func expectationMaximisation() {
        let result = slot.evaluate(.expectationMaximisation(ExpectationMaximisation()))
        expectLabelled(result)
        let grid = slot.grid
        let targets = (SlotFixture.labelled..<SlotFixture.batch).map { index in
            let pixels = slot.float64.upsample(slot.image(index, of: slot.primary))
            return pixels.enumerated().map { position, scores in
                let first = (index * grid.labelCount + position) * grid.classes
                let raised = scores.enumerated().map { c, score in
                    score + (c == 0 ? 5 : 6 * Double(slot.boxes[first + c]))
                }
                let best = raised.indices.max { raised[$0] < raised[$1] }!
                return raised.indices.map { $0 == best ? 1.0 : 0 }
            }
        }
        expectWeak(result, targets)
    }
}
