import Glibc
import Launcher
import Testing

@Suite struct StopTests {
    private let killed = ChildExit.signal(SIGKILL)
    private let members: [ChildName] = [.server(0), .worker(0), .worker(1)]

    private func all(_ number: Int32, _ names: [ChildName]) -> [Supervisor.Action] {
        names.map { .signal($0, number) }
    }

    @Test("A complete run lets its members leave, then asks them, then kills them")
    func finished() {
        var story = Story.running()
        #expect(story.end([.worker(0)], .status(0)) == [])
        #expect(story.end([.coordinator], .status(0)) == [])
        #expect(story.wait(4_999) == [])
        #expect(story.wait(1) == all(SIGTERM, [.server(0), .worker(1)]))
        #expect(story.end([.worker(1)]) == [])
        #expect(story.wait(20_000) == all(SIGKILL, [.server(0)]))
        #expect(story.end([.server(0)], killed) == [.end(.finished)])
    }

    @Test("The first signal asks the coordinator alone; members follow it")
    func stopped() {
        var story = Story.running()
        #expect(story.handle(.signalled(SIGINT)) == all(SIGTERM, [.coordinator]))
        #expect(story.end([.worker(0)]) == [])
        #expect(story.wait(149_999) == [])
        #expect(story.end([.coordinator]) == all(SIGTERM, [.server(0), .worker(1)]))
        #expect(story.end([.server(0), .worker(1)]) == [.end(.stopped(signal: SIGINT))])
    }

    @Test("A stop that takes too long is cut short")
    func late() {
        var story = Story.running()
        _ = story.handle(.signalled(SIGTERM))
        #expect(story.wait(150_000) == all(SIGKILL, [.coordinator] + members))
        #expect(
            story.end([.coordinator] + members, killed).last == .end(.stopped(signal: SIGTERM)))
    }

    @Test("The second signal kills everybody and waits for nobody")
    func second() {
        var story = Story.running()
        _ = story.handle(.signalled(SIGINT))
        #expect(
            story.handle(.signalled(SIGINT))
                == all(SIGKILL, [.coordinator] + members) + [.end(.stopped(signal: SIGINT))])
        #expect(story.end([.coordinator] + members, killed) == [])
    }

    @Test("A signal before the coordinator listens ends the run, and no member is started")
    func early() {
        var story = Story()
        _ = story.handle(.began)
        #expect(story.handle(.signalled(SIGTERM)) == all(SIGTERM, [.coordinator]))
        #expect(story.handle(.listening) == [])
        #expect(
            story.end([.coordinator], .signal(SIGTERM)) == [.end(.stopped(signal: SIGTERM))])
    }

    @Test("While the coordinator waits for its next start there is nobody to save anything")
    func withoutCoordinator() {
        var story = Story.running()
        _ = story.end([.coordinator], killed)
        #expect(story.handle(.signalled(SIGTERM)) == all(SIGKILL, members))
        #expect(story.wait(1_000) == [])
        #expect(story.end(members, killed) == [.end(.stopped(signal: SIGTERM))])
    }

    @Test(
        "A coordinator that dies while it stops the run is not started again",
        arguments: [SIGKILL, SIGTERM])
    func deathWhileStopping(signal: Int32) {
        var story = Story.running()
        _ = story.handle(.signalled(SIGTERM))
        #expect(story.end([.coordinator], .signal(signal)) == all(SIGKILL, members))
        #expect(story.end(members, killed) == [.end(.stopped(signal: SIGTERM))])
    }

    @Test("A coordinator that was asked to stop by somebody else stops the run")
    func stoppedByOthers() {
        var story = Story.running()
        #expect(story.end([.worker(0)]) == [])
        #expect(story.end([.coordinator]) == all(SIGTERM, [.server(0), .worker(1)]))
        #expect(
            story.end([.server(0), .worker(1)]) == [.end(.stopped(signal: SIGTERM))])
    }

    @Test("A signal after a failure changes the patience, not the outcome")
    func signalAfterFailure() {
        var story = Story.running(restart: .never)
        _ = story.end([.worker(0)], killed)
        #expect(
            story.handle(.signalled(SIGTERM))
                == all(SIGTERM, [.coordinator, .server(0), .worker(1)])
        )
        #expect(
            story.handle(.signalled(SIGTERM))
                == all(SIGKILL, [.coordinator, .server(0), .worker(1)])
                + [.end(.failed(.init(.worker(0), killed)))])
    }

    @Test(
        "Once the journal says that the run is over, nobody is started again",
        arguments: [
            (.completed, .finished), (.stopped, .stopped(signal: SIGTERM)),
        ] as [(Supervisor.RunEnd, Supervisor.Outcome)])
    func journaledEnd(end: Supervisor.RunEnd, outcome: Supervisor.Outcome) {
        var story = Story.running()
        #expect(story.handle(.finished(end)) == [])
        #expect(story.end(members, .status(75)) == [])
        #expect(story.wait(1_000) == [])
        #expect(story.end([.coordinator], killed) == [.end(outcome)])
    }
}
