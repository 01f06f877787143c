import Roles
import Testing
import TrainingProtocol

@Suite struct CheckpointPaceTests {
    private let start = ContinuousClock.now

    private func instant(_ milliseconds: Int) -> ContinuousClock.Instant {
        start + .milliseconds(milliseconds)
    }

    @Test func `Before the first step nothing makes way`() {
        let pace = CheckpointPace()
        pace.beginWrite()
        #expect(!pace.makesWay(at: instant(0)))
    }

    @Test func `A write makes way until three steps are missing, at least a second`() {
        let pace = CheckpointPace()
        pace.beginWrite()
        pace.note(Step(0), at: instant(0))
        #expect(pace.makesWay(at: instant(999)))
        #expect(!pace.makesWay(at: instant(1000)))
        pace.note(Step(1), at: instant(2000))
        #expect(pace.makesWay(at: instant(7999)))
        #expect(!pace.makesWay(at: instant(8000)))
    }

    @Test func `Another shard of the same step is no step`() {
        let pace = CheckpointPace()
        pace.beginWrite()
        pace.note(Step(0), at: instant(0))
        pace.note(Step(1), at: instant(2000))
        pace.note(Step(1), at: instant(2001))
        #expect(pace.makesWay(at: instant(7999)))
    }

    @Test func `A write that another one waits for does not make way`() {
        let pace = CheckpointPace()
        pace.note(Step(0), at: instant(0))
        pace.beginWrite()
        pace.beginWrite()
        #expect(!pace.makesWay(at: instant(1)))
        pace.endWrite()
        #expect(pace.makesWay(at: instant(1)))
    }
}
