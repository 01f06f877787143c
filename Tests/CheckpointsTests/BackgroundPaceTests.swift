import Checkpoints
import Synchronization
import Testing

@Suite struct BackgroundPaceTests {
    @Test func `While it makes way it works a twentieth of the time`() {
        var worked = 5.0
        var rests: [Double] = []
        let pace = BackgroundPace(
            makesWay: { true }, workedSeconds: { worked }, sleep: { rests.append($0) })
        for seconds in [0.002, 0.004] {
            worked += seconds
            pace.rest()
        }
        #expect(rests.count == 2)
        #expect(abs(rests[0] - 0.038) < 1e-9 && abs(rests[1] - 0.076) < 1e-9, "\(rests)")
    }

    @Test func `What was done at full speed is not made up for`() {
        let makesWay = Mutex(false)
        var worked = 0.0
        var rests: [Double] = []
        let pace = BackgroundPace(
            makesWay: { makesWay.withLock { $0 } }, workedSeconds: { worked },
            sleep: { rests.append($0) })
        worked = 10
        pace.rest()
        #expect(rests == [])
        makesWay.withLock { $0 = true }
        worked += 0.001
        pace.rest()
        #expect(rests.count == 1 && abs(rests[0] - 0.019) < 1e-9, "\(rests)")
    }
}
