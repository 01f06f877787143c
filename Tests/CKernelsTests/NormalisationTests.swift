import CKernels
import Foundation
import Testing

private let activations = [CK_NONE, CK_RELU, CK_RELU6]

@Suite("Batch normalisation")
struct NormalisationTests {
    @Test("All passes equal their twins", arguments: Level.present)
    func twins(level: Level) {
        for c in Array(1...67) + [96, 129, 144, 192, 257] {
            for (rows, content) in [
                (0, Content.ordinary), (1, .special), (15, .ordinary), (16, .special),
                (37, .ordinary),
            ] {
                for kind in activations {
                    expectTwinBits(level, "\(rows) rows of \(c)") { table, w in
                        let n = rows * c, x = w.input(n, content), dy = w.input(n, content)
                        let mean = w.input(c), inverse = w.input(c, .positive)
                        let gamma = w.input(c), beta = w.input(c)
                        table.batch_norm_sums(w.output(c), w.output(c), x, mean, rows, c)
                        table.batch_norm_sums(w.output(c), w.output(c), x, nil, rows, c)
                        table.batch_norm_apply(
                            w.output(n), x, mean, inverse, gamma, beta, kind, rows, c)
                        table.batch_norm_backward_sums(
                            w.output(c), w.output(c), x, dy, mean, inverse, gamma, beta, kind,
                            rows, c)
                        table.batch_norm_backward_apply(
                            w.output(n), x, dy, mean, inverse, gamma, beta, w.input(c),
                            w.input(c), kind, rows, c)
                        table.batch_norm_backward_apply(
                            w.output(n), x, dy, mean, inverse, gamma, beta, nil, nil, kind, rows, c)
                    }
                }
            }
        }
    }

    @Test("The full row tile equals its twin", arguments: Level.present)
    func fullTile(level: Level) {
        let rows = CK_ROW_TILE, c = 72
        expectTwinBits(level, "\(rows) rows of \(c)") { table, w in
            let x = w.input(rows * c), mean = w.input(c)
            table.batch_norm_sums(w.output(c), w.output(c), x, mean, rows, c)
            table.column_sums(w.output(c), x, rows, c)
        }
    }

    /// mean, inverse deviation and unbiased variance of one channel in tiles of 256 rows.
    private func statistics(_ x: [Float], shift: Float, level: Level) -> (Float, Float, Float) {
        var sums = [0.0], squares = [0.0]
        for begin in stride(from: 0, to: x.count, by: 256) {
            let tile = Array(x[begin..<min(begin + 256, x.count)])
            var sum: Float = 0, square: Float = 0
            level.table.batch_norm_sums(&sum, &square, tile, [shift], tile.count, 1)
            level.table.accumulate_double(&sums, &sum, 1)
            level.table.accumulate_double(&squares, &square, 1)
        }
        var mean: Float = 0, inverse: Float = 0, unbiased: Float = 0
        ck_batch_norm_statistics(
            &mean, &inverse, &unbiased, sums, squares, [shift], 1e-5, x.count, 1)
        return (mean, inverse, unbiased)
    }

    @Test("The variance holds 1e-5 at a mean of 30 deviations", arguments: Level.present)
    func accuracy(level: Level) {
        let count = 50_000
        let x = (0..<count).map { Float(30 + ck_philox_normal_f64(1, 2, UInt64($0))) }
        let mean = x.reduce(0.0) { $0 + Double($1) } / Double(count)
        let variance = x.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        let found = statistics(x, shift: 29, level: level)
        #expect(abs(Double(found.0) - mean) < 1e-5 * mean)
        #expect(abs(Double(found.2) / (variance / Double(count - 1)) - 1) < 1e-5)
        let inverse = 1 / (variance / Double(count) + 1e-5).squareRoot()
        #expect(abs(Double(found.1) / inverse - 1) < 1e-5)
        let cold = statistics(x, shift: 0, level: level)
        #expect(abs(Double(cold.2) / (variance / Double(count - 1)) - 1) < 1e-3)
    }

    @Test("A constant channel has variance 0 and a finite inverse deviation")
    func constantChannel() {
        var mean: Float = 0, inverse: Float = 0, unbiased: Float = -1
        let third = 1.0 / 3
        ck_batch_norm_statistics(
            &mean, &inverse, &unbiased, [third * 7], [third * third * 7], nil,
            1e-4, 7, 1)
        #expect(abs(mean - 1 / 3) < 1e-7 && abs(unbiased) < 1e-12 && abs(inverse - 100) < 1e-2)
        var evaluation: Float = 0
        ck_inverse_deviation(&evaluation, [0.0099], 1e-4, 1)
        #expect(abs(evaluation - 10) < 1e-4)
        var rounded = [Float](repeating: 0, count: 2)
        ck_round_totals(&rounded, [1, 3], 0.5, 2)
        #expect(rounded == [0.5, 1.5])
    }

    /// y of one channel in double, with its own statistics.
    private func forward(_ x: [Double], gamma: Double, beta: Double, bound: Double) -> [Double] {
        let mean = x.reduce(0, +) / Double(x.count)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        return x.map {
            let z = gamma * ($0 - mean) / (variance + 1e-5).squareRoot() + beta
            return bound == 0 ? z : min(max(z, 0), bound)
        }
    }

    @Test("The backward pass equals central differences in double", arguments: Level.present)
    func gradient(level: Level) {
        let rows = 40, gamma: Float = 1.3, beta: Float = 0.4, w = Workspace(seed: 8)
        let x = w.values(rows), dy = w.values(rows)
        let (mean, inverse, _) = statistics(x, shift: 0, level: level)
        for (kind, bound) in [(CK_NONE, 0.0), (CK_RELU, .infinity), (CK_RELU6, 6)] {
            var sumDy: Float = 0, sumDyXhat: Float = 0, dx = [Float](repeating: 0, count: rows)
            level.table.batch_norm_backward_sums(
                &sumDy, &sumDyXhat, x, dy, [mean], [inverse], [gamma], [beta], kind, rows, 1)
            level.table.batch_norm_backward_apply(
                &dx, x, dy, [mean], [inverse], [gamma], [beta], [sumDy / Float(rows)],
                [sumDyXhat / Float(rows)], kind, rows, 1)
            func loss(_ x: [Double], _ gamma: Double, _ beta: Double) -> Double {
                zip(forward(x, gamma: gamma, beta: beta, bound: bound), dy)
                    .reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            let point = x.map(Double.init), h = 1e-5, g = Double(gamma), b = Double(beta)
            for i in 0..<rows {
                var up = point, down = point
                up[i] += h
                down[i] -= h
                let slope = (loss(up, g, b) - loss(down, g, b)) / (2 * h)
                #expect(abs(Double(dx[i]) - slope) < 1e-4)
            }
            let dGamma = (loss(point, g + h, b) - loss(point, g - h, b)) / (2 * h)
            let dBeta = (loss(point, g, b + h) - loss(point, g, b - h)) / (2 * h)
            #expect(abs(Double(sumDyXhat) - dGamma) < 1e-3)
            #expect(abs(Double(sumDy) - dBeta) < 1e-3)
        }
    }
}
