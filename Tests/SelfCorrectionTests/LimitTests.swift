import SelfCorrection
import Testing

@Suite struct LimitTests {
    private let slot = SlotFixture()

    @Test("Oracle O18: α = 10⁶ gives the gradients of Eq. 2")
    func largeAlpha() {
        let linear = slot.evaluate(.linear(alpha: 1e6)).primaryGradient
        let none = slot.evaluate(.noCorrection).primaryGradient
        #expect(largestDifference(linear, none.map(Double.init)) < 1e-7)
        #expect(none.contains { abs($0) > 1e-3 })
    }

    @Test("Oracle O18: α = 0 gives W no gradient")
    func zeroAlpha() {
        let gradient = slot.evaluate(.linear(alpha: 0)).primaryGradient
        let first = SlotFixture.labelled * slot.grid.logitCount
        #expect(gradient[first...].allSatisfy { abs($0) < 1e-8 })
        #expect(gradient[..<first].contains { abs($0) > 1e-3 })
    }

    @Test("Oracle O18: combining logits before upsampling equals combining them after")
    func combineThenUpsample() {
        let alpha = 1.7, grid = slot.grid
        var combined = [Float](repeating: 0, count: slot.primary.count)
        LinearCorrection.combine(
            primary: slot.primary, ancillary: slot.ancillary, alpha: alpha, into: &combined,
            count: combined.count)
        for index in 0..<SlotFixture.batch {
            let before = slot.float64.upsample(slot.image(index, of: combined))
            let primary = slot.float64.upsample(slot.image(index, of: slot.primary))
            let ancillary = slot.float64.upsample(slot.image(index, of: slot.ancillary))
            for pixel in 0..<grid.labelCount {
                for c in 0..<grid.classes {
                    let after = (primary[pixel][c] + alpha * ancillary[pixel][c]) / (1 + alpha)
                    #expect(abs(before[pixel][c] - after) < 1e-6 * max(1, abs(after)))
                }
            }
        }
    }

    @Test("A term without valid pixels is 0 with gradient 0")
    func noValidPixels() {
        var empty = slot
        empty.labels = empty.labels.map { _ in 255 }
        empty.valid = empty.valid.map { _ in 0 }
        for objective in [
            Objective.convolutional, .linear(alpha: 1), .noCorrection,
            .expectationMaximisation(ExpectationMaximisation()),
        ] {
            let result = empty.evaluate(objective)
            #expect(result.loss.total == 0)
            #expect(result.primaryGradient.allSatisfy { $0 == 0 })
        }
        #expect(empty.evaluate(.convolutional).correctorGradient.allSatisfy { $0 == 0 })
    }

    @Test("A slot whose images are all labelled has no W term, one without labels no F term")
    func oneSided() {
        var all = slot
        all.labels = all.labels + all.labels
        let labelled = all.evaluate(.convolutional, labelled: SlotFixture.batch)
        #expect(labelled.loss.weak.pixels == 0 && labelled.loss.labelled.pixels > 0)
        #expect(labelled.primaryGradient.allSatisfy { $0.isFinite })
        let weak = slot.evaluate(.noCorrection, labelled: 0)
        #expect(weak.loss.labelled.pixels == 0)
        #expect(weak.loss.weak.pixels == slot.valid.filter { $0 != 0 }.count)
    }

    @Test("Ignored labels and padding take part in neither mean nor gradient")
    func ignoredPixels() {
        var hidden = slot
        let first = SlotFixture.labelled * slot.grid.labelCount * slot.grid.classes
        for index in first..<hidden.boxes.count
        where slot.valid[index / slot.grid.classes] == 0 {
            hidden.boxes[index] = 1 - hidden.boxes[index]
        }
        let objective = Objective.expectationMaximisation(ExpectationMaximisation())
        let a = slot.evaluate(objective), b = hidden.evaluate(objective)
        #expect(a.primaryGradient == b.primaryGradient && a.loss == b.loss)
        #expect(a.loss.labelled.pixels == slot.labels.filter { $0 != 255 }.count)
        let weakValid = slot.valid.dropFirst(SlotFixture.labelled * slot.grid.labelCount)
        #expect(a.loss.weak.pixels == weakValid.filter { $0 != 0 }.count)
    }

    @Test(
        "A logit that is not finite reaches loss and gradient",
        arguments: [Float.nan, .infinity, -.infinity],
        [
            Objective.noCorrection, .linear(alpha: 1), .convolutional,
            .expectationMaximisation(ExpectationMaximisation()),
        ])
    func notFinite(value: Float, objective: Objective) {
        for image in [0, SlotFixture.labelled] {
            var broken = slot
            // All classes of one position, so that −∞ cannot be a probability of 0.
            for c in 0..<slot.grid.classes {
                broken.primary[image * slot.grid.logitCount + c] = value
            }
            let result = broken.evaluate(objective)
            #expect(!result.loss.total.isFinite)
            #expect(!result.primaryGradient.allSatisfy { $0.isFinite })
        }
    }

    @Test("Loss weights scale terms and gradients")
    func lossWeights() {
        let plain = slot.evaluate(.convolutional)
        let weights = LossWeights(overall: 2, labelled: 0.7, weak: 0.3)
        let weighted = slot.evaluate(.convolutional, weights: weights)
        let total =
            1.4 * (plain.loss.labelled.mean + plain.loss.corrector.mean)
            + 0.6 * plain.loss.weak.mean
        #expect(abs(weighted.loss.total - total) < 1e-12)
        let first = SlotFixture.labelled * slot.grid.logitCount
        let expected = plain.primaryGradient.enumerated().map { index, value in
            Double(value) * (index < first ? 1.4 : 0.6)
        }
        #expect(largestDifference(weighted.primaryGradient, expected) < 1e-8)
    }

    @Test("Losses and gradients have the same bits for one, two and three threads")
    func threads() {
        let grid = LogitGrid(height: 6, width: 5, classes: 21, labelHeight: 21, labelWidth: 17)
        let slot = SlotFixture(grid: grid, seed: 5)
        for objective in [
            Objective.convolutional, .linear(alpha: 3),
            .expectationMaximisation(ExpectationMaximisation()),
        ] {
            let one = slot.evaluate(objective, threads: 1)
            for threads in [2, 3] {
                let more = slot.evaluate(objective, threads: threads)
                #expect(more.loss == one.loss)
                #expect(more.primaryGradient == one.primaryGradient)
                #expect(
                    !objective.trainsCorrector || more.correctorGradient == one.correctorGradient)
            }
        }
    }

    @Test(
        "Any ratio of label size to logit size is judged",
        arguments: [
            LogitGrid(height: 1, width: 1, classes: 3, labelHeight: 5, labelWidth: 4),
            LogitGrid(height: 5, width: 2, classes: 3, labelHeight: 5, labelWidth: 6),
            LogitGrid(height: 3, width: 4, classes: 3, labelHeight: 11, labelWidth: 14),
            LogitGrid(height: 7, width: 6, classes: 3, labelHeight: 3, labelWidth: 5),
            LogitGrid(height: 4, width: 5, classes: 3, labelHeight: 1, labelWidth: 5),
        ])
    func otherRatios(grid: LogitGrid) {
        let slot = SlotFixture(grid: grid, seed: 9)
        let result = slot.evaluate(.labelled)
        let count = SlotFixture.labelled * grid.logitCount
        let logits = slot.primary[..<count].map(Double.init)
        let gradient = Float64Objective.gradient(at: logits, of: slot.labelledTerm)
        #expect(abs(result.loss.total - slot.labelledTerm(logits)) < 1e-6)
        #expect(largestDifference(Array(result.primaryGradient[..<count]), gradient) < 3e-7)
    }
}
