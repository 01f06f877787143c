import CKernels
import Foundation
import Testing

@Suite("Functions in double")
struct MathematicsTests {
    private let count = 100_000

    private func draw(_ stream: UInt64, _ index: Int) -> Double {
        ck_philox_uniform_f64(21, stream, UInt64(index))
    }

    /// Largest distance from libm in units in the last place.
    private func worst(
        _ ours: (Double) -> Double, _ reference: (Double) -> Double, _ argument: (Int) -> Double
    ) -> Double {
        (0..<count).reduce(0) { worst, i in
            let x = argument(i), exact = reference(x)
            return max(worst, abs(ours(x) - exact) / exact.ulp)
        }
    }

    @Test("exp is within 2 units in the last place")
    func exponential() {
        #expect(worst(ck_exp_f64, { exp($0) }) { 2 * draw(1, $0) - 1 } <= 2)
        #expect(worst(ck_exp_f64, { exp($0) }) { 1417 * draw(2, $0) - 708 } <= 2)
        #expect(worst(ck_exp_f64, { exp($0) }) { -708 - 37 * draw(3, $0) } <= 2)
    }

    @Test("log is within 2 units in the last place")
    func logarithm() {
        #expect(worst(ck_log_f64, { log($0) }) { 0.5 + draw(1, $0) } <= 2)
        #expect(worst(ck_log_f64, { log($0) }) { exp(1400 * draw(2, $0) - 700) } <= 2)
        #expect(worst(ck_log_f64, { log($0) }) { 0x1p-1030 * (draw(3, $0) + 1e-9) } <= 2)
        #expect(worst(ck_log_f64, { log($0) }) { 1 + 1e-8 * (draw(4, $0) + 0.01) } <= 2)
    }

    @Test("sin and cos are within 2 units in the last place")
    func trigonometry() {
        for (ours, reference) in [
            (ck_sin_f64, { sin($0) }), (ck_cos_f64, { cos($0) }),
        ] as [((Double) -> Double, (Double) -> Double)] {
            #expect(worst(ours, reference) { 20 * draw(1, $0) - 10 } <= 2)
            #expect(worst(ours, reference) { 6e6 * draw(2, $0) - 3e6 } <= 2)
            #expect(worst(ours, reference) { (Double($0) * .pi / 2).nextUp } <= 2)
        }
    }

    @Test("pow is within 2 units in the last place, also for results far from 1")
    func power() {
        var largest = 0.0
        for i in 0..<count {
            for (x, y) in [
                (draw(1, i) + 1e-12, 0.9), (exp(20 * draw(2, i) - 10), 120 * draw(3, i) - 60),
                (0.9999 + 2e-4 * draw(4, i), 1e6 * draw(5, i)),
            ] {
                let exact = pow(x, y)
                largest = max(largest, abs(ck_pow_f64(x, y) - exact) / exact.ulp)
            }
        }
        #expect(largest <= 2)
    }

    @Test("Special arguments give the limits")
    func specials() {
        #expect(ck_exp_f64(0) == 1 && ck_exp_f64(-.infinity) == 0 && ck_exp_f64(710) == .infinity)
        #expect(ck_exp_f64(.nan).isNaN && ck_exp_f64(-745) == .leastNonzeroMagnitude)
        #expect(ck_log_f64(1) == 0 && ck_log_f64(0) == -.infinity && ck_log_f64(-1).isNaN)
        #expect(ck_log_f64(.infinity) == .infinity && ck_log_f64(.nan).isNaN)
        #expect(ck_pow_f64(0, 0) == 1 && ck_pow_f64(0, 0.9) == 0 && ck_pow_f64(0, -1) == .infinity)
        #expect(ck_pow_f64(1, .infinity) == 1 && ck_pow_f64(-2, 2).isNaN)
        #expect(ck_pow_f64(2, 1023) == 0x1p1023 && ck_pow_f64(2, 2000) == .infinity)
        #expect(ck_pow_f64(2, -1074) == .leastNonzeroMagnitude && ck_pow_f64(2, -2000) == 0)
        #expect(ck_pow_f64(.infinity, 2) == .infinity && ck_pow_f64(.infinity, -2) == 0)
        #expect(ck_sin_f64(0) == 0 && ck_sin_f64(-0.0).sign == .minus && ck_cos_f64(0) == 1)
        #expect(ck_sin_f64(.infinity).isNaN && ck_cos_f64(.nan).isNaN)
    }
}
