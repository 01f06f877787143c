import CKernels
import Optimizers
import Testing

@Suite struct ScheduleTests {
    @Test(arguments: [
        (0, 0.007), (1, 0.0069997899996), (1000, 0.0067896456458), (3000, 0.0063667280326),
        (15_000, 0.0037512071189), (27_000, 0.0008812477883), (29_999, 6.541674e-7), (30_000, 0),
    ])
    func `O4 The polynomial schedule falls from 0.007 to 0`(t: Int, expected: Double) {
        let schedule = PolynomialSchedule(base: 0.007, power: 0.9, stepCount: 30_000)
        let tolerance = expected < 1e-5 ? 1e-7 : 1e-10
        #expect(abs(schedule.learningRate(at: t) - expected) <= tolerance * expected)
    }

    @Test func `Power 0 keeps the rate until the end`() {
        let schedule = PolynomialSchedule(base: 0.1, power: 0, stepCount: 7)
        #expect((0..<7).allSatisfy { schedule.learningRate(at: $0) == 0.1 })
    }
}

@Suite struct MovingAverageTests {
    @Test(arguments: [
        (0, 0.1), (1, 2.0 / 11), (90, 0.91), (2989, 2990.0 / 2999), (2_000_000, 0.9997),
    ])
    func `Early steps count for more`(t: Int, expected: Double) {
        #expect(MovingAverage(decay: 0.9997).effectiveDecay(at: t) == expected)
    }

    @Test func `The average moves to the mean over slots`() {
        var averages: [Float] = [1, 0, 5]
        var sums: [Float] = [8, -4, 100]
        averages.withUnsafeMutableBufferPointer { averages in
            sums.withUnsafeMutableBufferPointer { sums in
                MovingAverage(decay: 0.5).update(
                    averages, sums: sums, scale: 0.25, at: 100, range: 0..<2)
            }
        }
        #expect(averages == [1.5, -0.5, 5])
    }

    @Test func `The average of equal values stays to the bit`() {
        let values = sampleValues(67, seed: 3)
        var averages = values
        var sums = values.map { $0 * 4 }
        averages.withUnsafeMutableBufferPointer { averages in
            sums.withUnsafeMutableBufferPointer { sums in
                MovingAverage(decay: 0.9997).update(
                    averages, sums: sums, scale: 0.25, at: 3, range: 0..<67)
            }
        }
        #expect(averages == values)
    }
}
