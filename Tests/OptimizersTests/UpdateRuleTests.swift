import CKernels
import Optimizers
import Testing

/// A chunk with its slots, updated through the public interface.
struct TestChunk {
    var weights: [Float]
    var slots: [[Float]]

    init(_ weights: [Float], rule: UpdateRule) {
        self.weights = weights
        slots = rule.slotNames.map { _ in [Float](repeating: 0, count: weights.count) }
    }

    mutating func update(
        _ rule: UpdateRule, gradients: [Float], scale: Float = 1, learningRate: Double,
        progress: OptimizerProgress, ranges: [UpdateRange]? = nil,
        kernels: UnsafePointer<ck_table> = ck_kernels()
    ) {
        let ranges =
            ranges ?? [
                UpdateRange(
                    elements: 0..<weights.count, weightDecay: 0, learningRateMultiplier: 1)
            ]
        var flat = slots.flatMap { $0 }
        let count = weights.count
        flat.withUnsafeMutableBufferPointer { flat in
            let slots = self.slots.indices.map {
                UnsafeMutableBufferPointer(rebasing: flat[$0 * count..<($0 + 1) * count])
            }
            weights.withUnsafeMutableBufferPointer { weights in
                gradients.withUnsafeBufferPointer { gradients in
                    rule.update(
                        weights: weights, slots: slots, gradientSum: gradients,
                        gradientScale: scale, learningRate: learningRate, progress: progress,
                        ranges: ranges, kernels: kernels)
                }
            }
        }
        for index in slots.indices {
            slots[index] = Array(flat[index * count..<(index + 1) * count])
        }
    }
}

/// Reproducible values of either sign over many magnitudes.
func sampleValues(_ count: Int, seed: UInt64) -> [Float] {
    (0..<count).map { Float(ck_philox_normal_f64(seed, 0, UInt64($0)) * ($0 % 7 == 0 ? 1e-4 : 1)) }
}

private let instructionSets = [CK_GENERIC, CK_AVX2, CK_AVX512, CK_NEON].compactMap {
    ck_table_for($0).map { KernelTable(pointer: $0) }
}

/// Sendable: the tables are constants of the library.
private struct KernelTable: @unchecked Sendable, CustomTestStringConvertible {
    let pointer: UnsafePointer<ck_table>
    var testDescription: String { String(cString: pointer.pointee.name) }
}

@Suite struct UpdateRuleTests {
    @Test func `O17 Momentum takes a weight of 1 to 0.9, 0.71 and 0.439`() {
        let rule = UpdateRule.momentumSGD(momentum: 0.9)
        var chunk = TestChunk([1], rule: rule)
        var progress = OptimizerProgress()
        for expected: Float in [0.9, 0.71, 0.439] {
            progress.advance(rule)
            chunk.update(rule, gradients: [1], learningRate: 0.1, progress: progress)
            #expect(abs(chunk.weights[0] - expected) < 1e-6)
        }
    }

    @Test func `O17 Weight decay 4e-5 adds 8e-5 to the gradient of a weight of 2`() {
        let rule = UpdateRule.momentumSGD(momentum: 0.9)
        var chunk = TestChunk([2], rule: rule)
        var progress = OptimizerProgress()
        progress.advance(rule)
        let range = UpdateRange(elements: 0..<1, weightDecay: 4e-5, learningRateMultiplier: 1)
        chunk.update(rule, gradients: [0], learningRate: 1, progress: progress, ranges: [range])
        #expect(chunk.slots[0][0] == 8e-5)
        #expect(chunk.weights[0] == 2 - 8e-5)
    }

    @Test func `AdamW follows PyTorch`() {
        let rule = UpdateRule.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
        var chunk = TestChunk([1, -0.5, 2], rule: rule)
        var progress = OptimizerProgress()
        let range = UpdateRange(elements: 0..<3, weightDecay: 0.1, learningRateMultiplier: 1)
        for step in AdamWGolden.gradients.indices {
            progress.advance(rule)
            chunk.update(
                rule, gradients: AdamWGolden.gradients[step],
                learningRate: AdamWGolden.learningRates[step], progress: progress, ranges: [range])
            for index in 0..<3 {
                let weight = AdamWGolden.weights[step][index]
                #expect(abs(chunk.weights[index] - weight) <= 4e-7 * max(1, abs(weight)))
                let first = AdamWGolden.firstMoments[step][index]
                #expect(abs(chunk.slots[0][index] - first) <= 1e-6 * abs(first))
                // β₂ = 0.999 as float32 leaves 1 − β₂ with a relative error of 1.3e-5.
                let second = AdamWGolden.secondMoments[step][index]
                #expect(abs(chunk.slots[1][index] - second) <= 2e-5 * second)
            }
        }
    }

    @Test func `AdamW's first step is the learning rate, whatever the gradient's size`() {
        let rule = UpdateRule.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-12)
        var chunk = TestChunk([0, 0, 0], rule: rule)
        var progress = OptimizerProgress()
        progress.advance(rule)
        chunk.update(rule, gradients: [1e-3, -40, 7], learningRate: 0.5, progress: progress)
        for (weight, expected) in zip(chunk.weights, [-0.5, 0.5, -0.5] as [Float]) {
            #expect(abs(weight - expected) < 1e-6)
        }
    }

    @Test func `The gradient is scaled once by 1 over V`() {
        for rule in [
            UpdateRule.momentumSGD(momentum: 0.9), .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8),
        ] {
            var progress = OptimizerProgress()
            progress.advance(rule)
            var scaled = TestChunk([1, 2, 3], rule: rule)
            scaled.update(
                rule, gradients: [4, 8, -12], scale: 0.25, learningRate: 0.1, progress: progress)
            var plain = TestChunk([1, 2, 3], rule: rule)
            plain.update(rule, gradients: [1, 2, -3], learningRate: 0.1, progress: progress)
            #expect(scaled.weights == plain.weights)
        }
    }

    @Test func `Each range has its own decay and rate, elements outside stay`() {
        let rule = UpdateRule.momentumSGD(momentum: 0)
        var chunk = TestChunk([1, 1, 1, 1], rule: rule)
        var progress = OptimizerProgress()
        progress.advance(rule)
        chunk.update(
            rule, gradients: [1, 1, 1, 1], learningRate: 0.25, progress: progress,
            ranges: [
                UpdateRange(elements: 0..<1, weightDecay: 1, learningRateMultiplier: 1),
                UpdateRange(elements: 2..<3, weightDecay: 0, learningRateMultiplier: 2),
                UpdateRange(elements: 3..<3, weightDecay: 0, learningRateMultiplier: 2),
            ])
        #expect(chunk.weights == [0.5, 1, 0.5, 1])
        #expect(chunk.slots[0] == [2, 0, 1, 0])
    }

    @Test(arguments: instructionSets)
    private func `Each instruction set equals the plain rule to the bit`(table: KernelTable) {
        let rules = [
            UpdateRule.momentumSGD(momentum: 0.9),
            .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8),
        ]
        for rule in rules {
            for count in 0...67 {
                var chunk = TestChunk(sampleValues(count, seed: 1), rule: rule)
                var twin = PlainRule(weights: chunk.weights)
                var progress = OptimizerProgress()
                for step in 1...3 {
                    progress.advance(rule)
                    let gradients = sampleValues(count, seed: UInt64(10 + step))
                    let range = UpdateRange(
                        elements: 0..<count, weightDecay: 4e-5, learningRateMultiplier: 2)
                    chunk.update(
                        rule, gradients: gradients, scale: 1 / 3, learningRate: 0.007,
                        progress: progress, ranges: [range], kernels: table.pointer)
                    twin.update(
                        rule, gradients, scale: 1 / 3, rate: Float(0.014), decay: 4e-5, progress)
                }
                #expect(chunk.weights.map(\.bitPattern) == twin.weights.map(\.bitPattern))
                let expected = [twin.first, twin.second].prefix(chunk.slots.count)
                #expect(
                    chunk.slots.map { $0.map(\.bitPattern) }
                        == expected.map { $0.map(\.bitPattern) })
            }
        }
    }

    @Test func `A phase begins with slots and products as new`() throws {
        let rule = UpdateRule.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
        var progress = OptimizerProgress()
        progress.advance(rule)
        progress.advance(rule)
        #expect(progress.updates == 2)
        #expect(progress.beta1Product == Double(Float(0.9)) * Double(Float(0.9)))
        #expect(OptimizerProgress(scalars: progress.scalars) == progress)
        #expect(
            OptimizerProgress().scalars == ["updates": 0, "beta1Product": 1, "beta2Product": 1])
        var slot: [Float] = [1, .nan, -3]
        slot.withUnsafeMutableBufferPointer { rule.reset(slots: [$0]) }
        #expect(slot == [0, 0, 0])
    }

    @Test(arguments: [
        [:], ["updates": 0.5, "beta1Product": 1, "beta2Product": 1],
        ["updates": -1, "beta1Product": 1, "beta2Product": 1],
        ["updates": 1, "beta1Product": 2, "beta2Product": 1], ["updates": 1, "beta1Product": 1],
    ])
    func `Scalars out of range are refused`(scalars: [String: Double]) {
        #expect(OptimizerProgress(scalars: scalars) == nil)
    }
}

/// The rules again, one element at a time.
private struct PlainRule {
    var weights: [Float]
    var first: [Float]
    var second: [Float]

    init(weights: [Float]) {
        self.weights = weights
        first = weights.map { _ in 0 }
        second = first
    }

    mutating func update(
        _ rule: UpdateRule, _ gradients: [Float], scale: Float, rate: Float, decay: Float,
        _ progress: OptimizerProgress
    ) {
        for index in weights.indices {
            let g = scale * gradients[index]
            let w = weights[index]
            switch rule {
            case .momentumSGD(let momentum):
                let d = g.addingProduct(decay, w)
                first[index] = d.addingProduct(momentum, first[index])
                weights[index] = w.addingProduct(-rate, first[index])
            case .adamW(let beta1, let beta2, let epsilon):
                first[index] = ((1 - beta1) * g).addingProduct(beta1, first[index])
                second[index] = (((1 - beta2) * g) * g).addingProduct(beta2, second[index])
                let decayed = w.addingProduct(-(rate * decay), w)
                let correction = Float(1 - progress.beta2Product).squareRoot()
                let deviation = second[index].squareRoot() / correction + epsilon
                let step = rate / Float(1 - progress.beta1Product)
                weights[index] = decayed.addingProduct(-step, first[index] / deviation)
            }
        }
    }
}
