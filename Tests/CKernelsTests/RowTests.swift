import CKernels
import Foundation
import Testing

private let activations = [CK_NONE, CK_RELU, CK_RELU6]
private let channelCounts = Array(1...67) + [96, 144, 200, 257]

@Suite("Kernels over rows and channels")
struct RowTests {
    @Test("Bias, broadcast, columns and column sums equal their twins", arguments: Level.present)
    func columns(level: Level) {
        for c in channelCounts {
            for rows in [0, 1, 2, 5, 16, 33] {
                expectTwinBits(level, "\(rows) rows of \(c)") { table, w in
                    let n = rows * c
                    for kind in activations {
                        let x = w.input(n, .special), bias = w.input(c, .special)
                        table.add_bias(w.output(n), x, bias, kind, rows, c)
                    }
                    table.broadcast_row(w.output(n), w.input(c, .special), 0.37, rows, c)
                    table.column_sums(w.output(c), w.input(n, .special), rows, c)
                    table.column_sums(w.output(c), w.input(n), rows, c)
                    guard rows > 0 else { return }
                    let wide = (rows - 1) * (c + 3) + c, wider = (rows - 1) * (c + 5) + c
                    let x = w.input(wider, .special)
                    table.copy_columns(w.output(wide), c + 3, x, c + 5, rows, c)
                    table.accumulate_columns(w.output(wide), c + 3, x, c + 5, rows, c)
                }
            }
        }
    }

    @Test("Softmax equals its twin and the formula in double", arguments: Level.present)
    func softmax(level: Level) {
        for c in channelCounts {
            for content in [Content.ordinary, .special] {
                expectTwinBits(level, "softmax of \(c)") { table, w in
                    table.softmax_rows(w.output(3 * c), w.input(3 * c, content), 3, c)
                }
            }
            let x = Workspace(seed: 5).values(c)
            var p = x
            level.table.softmax_rows(&p, x, 1, c)
            let exponentials = x.map { exp(Double($0)) }, sum = exponentials.reduce(0, +)
            for i in 0..<c {
                expectClose(p[i], exponentials[i] / sum, terms: c, magnitude: exponentials[i] / sum)
            }
        }
    }

    @Test(
        "Softmax of large logits does not overflow; NaN spreads over its row only",
        arguments: Level.present)
    func softmaxOfSpecials(level: Level) {
        let x: [Float] = [1000, 1000, -1000, 0, .nan, 0, 3, -.infinity, 3]
        var p = [Float](repeating: 0, count: 9)
        level.table.softmax_rows(&p, x, 3, 3)
        #expect(p[0] == 0.5 && p[1] == 0.5 && p[2] == 0)
        #expect(p[3].isNaN && p[4].isNaN && p[5].isNaN)
        #expect(p[6] == 0.5 && p[7] == 0 && p[8] == 0.5)
    }

    @Test("Cross-entropies equal their twins, with and without gradient", arguments: Level.present)
    func crossEntropyBits(level: Level) {
        for c in channelCounts {
            for rows in [0, 1, 15, 16, 17, 35] {
                for content in [Content.ordinary, .special] {
                    expectTwinBits(level, "cross-entropy, \(rows) rows of \(c)") { table, w in
                        let n = rows * c, x = w.input(n, content), loss = w.doubleOutput(4)
                        let labels = w.bytes(rows, below: UInt64(c + 2))
                        let hard = table.cross_entropy_hard!, soft = table.cross_entropy_soft!
                        w.record(hard(w.output(n), loss, x, labels, 0.01, rows, c))
                        w.record(hard(nil, loss + 1, x, labels, 0.01, rows, c))
                        let target = w.input(n, .probabilities)
                        let weight = w.input(rows, .probabilities)
                        if rows > 2 { weight[1] = 0 }
                        soft(w.output(n), loss + 2, x, target, weight, 0.01, rows, c)
                        soft(w.output(n), loss + 3, x, target, nil, 0.01, rows, c)
                        soft(nil, loss + 3, x, target, nil, 0.01, rows, c)
                    }
                }
            }
        }
    }

    @Test("Cross-entropies equal the formula in double, in place too", arguments: Level.present)
    func crossEntropyValues(level: Level) {
        let rows = 20, c = 21, w = Workspace(seed: 6)
        let x = w.values(rows * c), target = w.values(rows * c, .probabilities)
        let weight = w.values(rows, .positive)
        let labels = (0..<rows).map { UInt8($0 == 3 ? CK_IGNORED_LABEL : $0) }
        let used = labels.map { Int($0) < c }
        var hard = x, soft = x, hardLoss = 0.0, softLoss = 0.0
        hard.withUnsafeMutableBufferPointer { p in
            let base = p.baseAddress!
            let valid = level.table.cross_entropy_hard(base, &hardLoss, base, labels, 0.1, rows, c)
            #expect(valid == used.filter { $0 }.count)
        }
        soft.withUnsafeMutableBufferPointer { p in
            let base = p.baseAddress!
            level.table.cross_entropy_soft(base, &softLoss, base, target, weight, 0.1, rows, c)
        }
        var expectedHard = 0.0, expectedSoft = 0.0
        for r in 0..<rows {
            let row = x[r * c..<(r + 1) * c].map(Double.init)
            let logSum = log(row.map { exp($0) }.reduce(0, +))
            let goal = target[r * c..<(r + 1) * c].map(Double.init), mass = goal.reduce(0, +)
            if used[r] { expectedHard += logSum - row[Int(labels[r])] }
            for i in 0..<c {
                expectedSoft += Double(weight[r]) * goal[i] * (logSum - row[i])
                let p = exp(row[i] - logSum), factor = Double(Float(0.1))
                let hit = Int(labels[r]) == i ? 1.0 : 0
                expectClose(
                    hard[r * c + i], used[r] ? factor * (p - hit) : 0, terms: c, magnitude: 0.1)
                expectClose(
                    soft[r * c + i], factor * Double(weight[r]) * (p * mass - goal[i]), terms: c,
                    magnitude: 0.1 * Double(weight[r]) * mass)
            }
        }
        #expect(abs(hardLoss - expectedHard) < 1e-5 * expectedHard)
        #expect(abs(softLoss - expectedSoft) < 1e-5 * expectedSoft)
    }

    @Test("Arg max takes the first of equals and passes over NaN", arguments: Level.present)
    func argmax(level: Level) {
        for c in Array(1...67) + [255, 256] {
            expectTwinBits(level, "arg max of \(c)") { table, w in
                table.argmax_rows(w.byteOutput(5), w.input(5 * c, .special), 5, c)
            }
        }
        let x: [Float] = [1, 3, 3, .nan, 2, 2, .nan, .nan, .nan, -.infinity, -.infinity, .nan]
        var best = [UInt8](repeating: 9, count: 4)
        level.table.argmax_rows(&best, x, 4, 3)
        #expect(best == [1, 1, 0, 0])
    }
}
