import CKernels
import Foundation
import Testing

private let lengths = Array(0...67) + [255, 256, 1000, 1023]
private let activations = [CK_NONE, CK_RELU, CK_RELU6]

@Suite("Elementwise kernels")
struct ElementwiseTests {
    @Test("Sums and scalings equal their twins", arguments: Level.present)
    func sums(level: Level) {
        for n in lengths {
            for content in [Content.ordinary, .special] {
                expectTwinBits(level, "sums of \(n)") { table, w in
                    table.add(w.output(n), w.input(n, content), w.input(n, content), n)
                    table.accumulate(w.output(n, content), w.input(n, content), n)
                    table.accumulate_double(w.doubleOutput(n), w.input(n, content), n)
                    table.scale(w.output(n), w.input(n, content), 1.7, n)
                    table.axpy(w.output(n, content), w.input(n, content), -0.3, n)
                    table.mix(w.output(n), w.input(n, content), w.input(n, content), 0.3, 0.7, n)
                    table.round_to_bfloat16(w.output(n), w.input(n, content), n)
                    table.to_bfloat16(w.byteOutput(2 * n), w.input(n, content), n)
                    table.from_bfloat16(w.output(n), w.bytes(2 * n, below: 256), n)
                    table.bytes_to_unit(w.output(n), w.bytes(n, below: 256), n)
                }
            }
        }
    }

    @Test("Operations in place equal those out of place", arguments: Level.present)
    func inPlace(level: Level) {
        for n in lengths {
            let keep = Workspace(seed: 3).values(n)
            var apart = [Float](repeating: 0, count: n + 1), within = keep + [0]
            level.table.add(&apart, keep, keep, n)
            within.withUnsafeMutableBufferPointer {
                level.table.add($0.baseAddress!, $0.baseAddress!, $0.baseAddress!, n)
            }
            #expect(apart == within)
        }
    }

    @Test("Activations equal their twins, for special values too", arguments: Level.present)
    func activation(level: Level) {
        for n in lengths {
            for kind in activations {
                expectTwinBits(level, "activation \(kind.rawValue) of \(n)") { table, w in
                    table.activate(w.output(n), w.input(n, .special), kind, n)
                    let dy = w.input(n, .special), x = w.input(n, .special)
                    table.activate_backward(w.output(n), dy, x, kind, n)
                }
            }
        }
    }

    @Test("ReLU keeps NaN and gives +0 below zero and −0 at −0", arguments: Level.present)
    func reluOfSpecials(level: Level) {
        let x: [Float] = [.nan, -1, -0.0, 0, .infinity, -.infinity, 7]
        for kind in [CK_RELU, CK_RELU6] {
            var y = [Float](repeating: -9, count: x.count)
            level.table.activate(&y, x, kind, x.count)
            #expect(y[0].isNaN)
            #expect(y[1].bitPattern == 0 && y[2].bitPattern == Float(-0.0).bitPattern)
            #expect(y[4] == (kind == CK_RELU ? .infinity : 6) && y[5].bitPattern == 0)
            #expect(y[6] == (kind == CK_RELU ? 7 : 6))
        }
    }

    @Test("exp, log and the gate equal their twins", arguments: Level.present)
    func functions(level: Level) {
        for n in lengths {
            for content in [Content.ordinary, .special] {
                expectTwinBits(level, "functions of \(n)") { table, w in
                    table.exponential(w.output(n), w.input(n, content), n)
                    table.logarithm(w.output(n), w.input(n, content), n)
                    table.sigmoid(w.output(n), w.input(n, content), n)
                    let f = w.input(n, content), z = w.input(n, content)
                    table.sigmoid_gate(w.output(n), w.output(n), f, z, n)
                    let dy = w.input(n), gate = w.input(n, .probabilities)
                    table.sigmoid_gate_backward(w.output(n), w.output(n), dy, f, gate, n)
                }
            }
        }
    }

    @Test("exp and log are within 2 units in the last place", arguments: Level.present)
    func accuracy(level: Level) {
        let count = 200_001
        let x = (0..<count).map { Float(-86.9 + 175.6 * Double($0) / Double(count)) }
        var y = [Float](repeating: 0, count: count)
        level.table.exponential(&y, x, count)
        var worst = 0.0
        for i in 0..<count {
            let exact = exp(Double(x[i]))
            worst = max(worst, abs(Double(y[i]) - exact) / Double(Float(exact).ulp))
        }
        #expect(worst <= 2)
        worst = 0
        let bits = (0..<count).map { Float(bitPattern: UInt32(1 + $0 * 10_000)) }
        level.table.logarithm(&y, bits, count)
        for i in 0..<count where bits[i].isFinite && bits[i] != 1 {
            let exact = log(Double(bits[i]))
            worst = max(worst, abs(Double(y[i]) - exact) / Double(Float(exact).ulp))
        }
        #expect(worst <= 2)
    }

    @Test("exp and log at the ends of their ranges", arguments: Level.present)
    func ends(level: Level) {
        let x: [Float] = [-87.01, -.infinity, .infinity, 89, 88.72, 0, .nan]
        var y = [Float](repeating: -1, count: 7)
        level.table.exponential(&y, x, 7)
        #expect(y[0].bitPattern == 0 && y[1].bitPattern == 0)
        #expect(y[2] == .infinity && y[3] == .infinity && y[4].isFinite && y[5] == 1 && y[6].isNaN)
        level.table.logarithm(&y, [0, -0.0, -1, .infinity, 1, .leastNonzeroMagnitude, .nan], 7)
        #expect(y[0] == -.infinity && y[1] == -.infinity && y[2].isNaN && y[3] == .infinity)
        #expect(y[4] == 0 && abs(y[5] + 103.27893) < 1e-4 && y[6].isNaN)
    }

    @Test("The scan finds the largest size and whatever is not finite", arguments: Level.present)
    func scan(level: Level) {
        for n in lengths {
            for content in [Content.ordinary, .special] {
                expectTwinBits(level, "scan of \(n)") { table, w in
                    w.record(Int(table.scan_finite(w.output(1), w.input(n, content), n)))
                }
            }
            var x = [Float](repeating: -2, count: n + 1), largest: Float = 0
            #expect(level.table.scan_finite(&largest, x, n) == 1)
            #expect(largest == (n == 0 ? 0 : 2))
            guard n > 0 else { continue }
            for bad in [Float.nan, -.infinity] {
                x[n - 1] = bad
                #expect(level.table.scan_finite(&largest, x, n) == 0)
                #expect(largest == .infinity)
            }
        }
    }
}
