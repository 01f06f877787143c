import CKernels
import Testing

@Suite("Update rules and layouts")
struct OptimizerTests {
    private var adamw: ck_adamw {
        ck_adamw(
            learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01,
            gradient_scale: 0.25, first_correction: 0.271, second_correction: 0.002997)
    }

    @Test("Update rules equal their twins", arguments: Level.present)
    func twins(level: Level) {
        var k = adamw
        for n in Array(0...67) + [1000] {
            for content in [Content.ordinary, .special] {
                expectTwinBits(level, "update of \(n)") { table, w in
                    let g = w.input(n, content)
                    table.momentum_sgd(
                        w.output(n), w.output(n, content), g, 0.007, 0.9, 4e-5, 0.25, n)
                    let second = w.output(n, .probabilities)
                    table.adamw(w.output(n), w.output(n, content), second, g, &k, n)
                    table.moving_average(w.output(n, content), g, 0.01, n)
                }
            }
        }
    }

    @Test("Momentum follows its equations", arguments: Level.present)
    func momentum(level: Level) {
        var w: [Float] = [1, -2], v: [Float] = [0.5, 0]
        level.table.momentum_sgd(&w, &v, [4, 8], 0.1, 0.9, 0.01, 0.25, 2)
        expectClose(v[0], 0.9 * 0.5 + 1 + 0.01, terms: 3, magnitude: 1.5)
        expectClose(v[1], 2 - 0.02, terms: 3, magnitude: 2)
        expectClose(w[0], 1 - 0.1 * 1.46, terms: 3, magnitude: 1)
        expectClose(w[1], -2 - 0.1 * 1.98, terms: 3, magnitude: 2)
    }

    @Test("AdamW follows its equations over several steps", arguments: Level.present)
    func adam(level: Level) {
        var w: [Float] = [1], m: [Float] = [0], v: [Float] = [0], k = adamw
        var exact = 1.0, first = 0.0, second = 0.0, power1 = 1.0, power2 = 1.0
        for step in 1...20 {
            let g = Float(step % 3) - 0.7
            power1 *= Double(k.beta1)
            power2 *= Double(k.beta2)
            k.first_correction = Float(1 - power1)
            k.second_correction = Float(1 - power2)
            level.table.adamw(&w, &m, &v, [g], &k, 1)
            let d = Double(g) * 0.25
            first = 0.9 * first + 0.1 * d
            second = 0.999 * second + 0.001 * d * d
            exact -= 1e-3 * 0.01 * exact
            exact -= 1e-3 * (first / (1 - power1)) / ((second / (1 - power2)).squareRoot() + 1e-8)
            #expect(abs(Double(w[0]) - exact) < 2e-6)
        }
    }

    @Test("Transposes and weight layouts move every value to its place")
    func layouts() {
        for (o, i, taps) in [(1, 1, 1), (3, 5, 9), (20, 33, 9), (17, 2, 25)] {
            let weights = (0..<o * i * taps).map(Float.init)
            var last = weights, first = weights
            ck_weights_to_channels_last(&last, weights, o, i, taps)
            for index in 0..<weights.count {
                let (a, tap, b) = (index / (taps * i), index / i % taps, index % i)
                #expect(last[index] == weights[(a * i + b) * taps + tap])
            }
            ck_weights_to_channels_first(&first, last, o, i, taps)
            #expect(first == weights)
            var flat = weights
            ck_transpose(&flat, weights, o, i * taps)
            #expect(flat == (0..<weights.count).map { weights[$0 % o * i * taps + $0 / o] })
        }
        #expect(ck_count_valid_labels([0, 20, 21, 255, 3], 21, 5) == 3)
    }
}
