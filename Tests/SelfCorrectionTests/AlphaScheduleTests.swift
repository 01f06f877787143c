import SelfCorrection
import Testing

@Suite struct AlphaScheduleTests {
    @Test(
        "Oracle O3: α falls exponentially from 30 to 0.5 in 30000 steps",
        arguments: [
            (0, 30.0), (3000, 19.9207703867), (7500, 10.7791233589), (15000, 3.8729833462),
            (22500, 1.3915788419), (27000, 0.7529829273), (29999, 0.5000682437), (30000, 0.5),
        ])
    func oracleO3(step: Int, alpha: Double) {
        let schedule = AlphaSchedule(stepCount: 30000)
        #expect(abs(schedule.alpha(atStep: step) - alpha) < 1e-9)
    }

    @Test("α is 1 near step 24921 and every step divides it by the same factor")
    func constantFactor() {
        let schedule = AlphaSchedule(stepCount: 30000)
        #expect(schedule.alpha(atStep: 24920) > 1 && schedule.alpha(atStep: 24922) < 1)
        for step in stride(from: 0, to: 30000, by: 997) {
            let factor = schedule.alpha(atStep: step + 1) / schedule.alpha(atStep: step)
            #expect(abs(factor - 0.9998635311606) < 1e-12)
        }
    }

    @Test("A constant α stays constant")
    func constant() {
        #expect(AlphaSchedule(from: 2, to: 2, stepCount: 7).alpha(atStep: 5) == 2)
    }
}
