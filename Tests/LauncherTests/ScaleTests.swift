import Foundation
import Launcher
import Testing

@Suite struct ScaleTests {
    private func supervised(_ line: String, _ story: inout Story) throws -> [Supervisor.Action] {
        guard case .workersWanted(let count)? = JournalFact(line: Data(line.utf8)) else {
            Issue.record("\(line) is no scale")
            return []
        }
        return story.handle(.workersWanted(count))
    }

    @Test("A line of the journal adds workers under new numbers")
    func more() throws {
        var story = Story.running()
        #expect(
            try supervised(
                #"{"entry":{"fact":"workers_wanted","workers":4},"crc32":"00000000"}"#, &story) == [
                    .tell(.scaled(workers: 4)), .start(.worker(2), number: 1),
                    .start(.worker(3), number: 1),
                ])
        #expect(
            try supervised(
                #"{"entry":{"fact":"workers_wanted","workers":4},"crc32":"00000000"}"#, &story)
                == [])
    }

    @Test("A line of the journal drains the youngest, who are not missed")
    func fewer() throws {
        var story = Story.running()
        _ = story.handle(.workersWanted(3))
        #expect(
            try supervised(
                #"{"entry":{"fact":"workers_wanted","workers":1},"crc32":"00000000"}"#, &story
            ).deeds == [
                .signal(.worker(2), SIGTERM), .signal(.worker(1), SIGTERM),
            ])
        #expect(story.end([.worker(2)], .status(0)) == [])
        #expect(story.end([.worker(1)], .signal(SIGKILL)) == [])
        #expect(story.wait(10_000) == [])
        #expect(story.handle(.workersWanted(2)).deeds == [.start(.worker(3), number: 1)])
    }

    @Test("A worker that waits for its next start is a worker; drained, it is not started")
    func waiting() {
        var story = Story.running()
        _ = story.end([.worker(1)], .signal(SIGKILL))
        #expect(story.handle(.workersWanted(2)) == [])
        #expect(story.handle(.workersWanted(1)) == [.tell(.scaled(workers: 1))])
        #expect(story.wait(10_000) == [])
    }

    @Test("A worker that was drained by hand stays away until the run is scaled")
    func drainedByHand() {
        var story = Story.running()
        #expect(story.end([.worker(1)], .status(0)) == [])
        #expect(story.wait(10_000) == [])
        #expect(story.handle(.workersWanted(2)).deeds == [.start(.worker(2), number: 1)])
    }

    @Test("A scale that comes before the members decides how many there will be")
    func early() {
        var story = Story(servers: 1, workers: 5)
        _ = story.handle(.began)
        #expect(story.handle(.workersWanted(1)) == [])
        #expect(
            story.handle(.listening) == [
                .start(.server(0), number: 1), .start(.worker(0), number: 1),
            ])
    }

    @Test("A run that is over is not scaled")
    func late() {
        var story = Story.running()
        _ = story.handle(.signalled(SIGTERM))
        #expect(story.handle(.workersWanted(9)) == [])
    }
}
