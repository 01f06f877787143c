import Foundation
import Tensors
import Testing
import TestSupport

@Suite struct CrossEntropyTests {
    private static let classes = 21, rows = 5000
    private let logits: [Float]
    private let labels: [UInt8]
    private let targets: [Float]
    private let weights: [Float]

    init() {
        var generator = SeededGenerator(seed: 17)
        let count = Self.rows * Self.classes
        logits = generator.floats(count, in: -9..<9)
        labels = generator.integers(Self.rows, below: Self.classes + 3)
            .map { $0 < Self.classes ? UInt8($0) : 255 }
        targets = generator.floats(count, in: 0..<0.1)
        weights = generator.integers(Self.rows, below: 3).map(Float.init)
    }

    /// `log softmax` of a row, in double.
    private func logSoftmax(_ row: Int) -> [Double] {
        let x = logits[row * Self.classes..<(row + 1) * Self.classes].map(Double.init)
        let peak = x.max()!
        let sum = x.reduce(0) { $0 + exp($1 - peak) }
        return x.map { $0 - peak - log(sum) }
    }

    @Test(arguments: [1, 2])
    func `hard labels are summed over the rows that have one`(threads: Int) {
        let loss = CrossEntropy(
            rows: Self.rows, classes: Self.classes, pool: ThreadPool(threadCount: threads))
        var gradient = Array(repeating: Float.nan, count: logits.count)
        let result = loss.hard(logits: logits, labels: labels, factor: 0.25, gradient: &gradient)
        var expected = 0.0, valid = 0
        for row in 0..<Self.rows {
            let label = Int(labels[row]), logP = logSoftmax(row)
            if label < Self.classes {
                expected -= logP[label]
                valid += 1
            }
            for c in 0..<Self.classes {
                let d = label < Self.classes ? 0.25 * (exp(logP[c]) - (c == label ? 1 : 0)) : 0
                #expect(abs(Double(gradient[row * Self.classes + c]) - d) < 1e-6)
            }
        }
        #expect(result.count == valid && valid < Self.rows)
        #expect(abs(result.loss - expected) < 1e-6 * expected)
    }

    @Test(arguments: [1, 2])
    func `soft targets are weighted row by row`(threads: Int) {
        let loss = CrossEntropy(
            rows: Self.rows, classes: Self.classes, pool: ThreadPool(threadCount: threads))
        var gradient = Array(repeating: Float.nan, count: logits.count)
        let total = loss.soft(
            logits: logits, targets: targets, weights: weights, factor: 2, gradient: &gradient)
        var expected = 0.0
        for row in 0..<Self.rows {
            let logP = logSoftmax(row), w = Double(weights[row])
            let q = targets[row * Self.classes..<(row + 1) * Self.classes].map(Double.init)
            let mass = q.reduce(0, +)
            for c in 0..<Self.classes {
                expected -= w * q[c] * logP[c]
                let d = 2 * w * (exp(logP[c]) * mass - q[c])
                #expect(abs(Double(gradient[row * Self.classes + c]) - d) < 1e-5)
            }
        }
        #expect(abs(total - expected) < 1e-6 * expected)
    }

    @Test func `losses and gradients are the same bits on one and on two threads`() {
        let results = [1, 2].map { threads in
            let loss = CrossEntropy(
                rows: Self.rows, classes: Self.classes, pool: ThreadPool(threadCount: threads))
            var gradient = logits
            let hard = loss.hard(
                logits: logits, labels: labels, factor: 1, gradient: &gradient).loss
            let soft = loss.soft(
                logits: logits, targets: targets, weights: nil, factor: 1, gradient: nil)
            return [hard.bitPattern, soft.bitPattern] + gradient.map { UInt64($0.bitPattern) }
        }
        #expect(results[0] == results[1])
    }

    @Test func `softmax, argmax and mixing agree with their definitions`() {
        let pool = ThreadPool(threadCount: 2)
        var p = Array(repeating: Float.nan, count: logits.count)
        var best = Array(repeating: UInt8(99), count: Self.rows)
        var mixed = p
        pool.softmax(&p, logits, rows: Self.rows, classes: Self.classes)
        pool.argmax(&best, logits, rows: Self.rows, classes: Self.classes)
        pool.mix(&mixed, logits, targets, weights: (0.25, 4), count: logits.count)
        for row in 0..<Self.rows {
            let logP = logSoftmax(row), first = row * Self.classes
            let peak = logP.max()!
            #expect(Int(best[row]) == logP.firstIndex(of: peak))
            for c in 0..<Self.classes {
                #expect(abs(Double(p[first + c]) - exp(logP[c])) < 1e-6)
                let sum = 0.25 * Double(logits[first + c]) + 4 * Double(targets[first + c])
                #expect(abs(Double(mixed[first + c]) - sum) < 1e-6)
            }
        }
    }
}
