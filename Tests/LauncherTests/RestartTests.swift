import Glibc
import Launcher
import Testing

@Suite struct RestartTests {
    private let killed = ChildExit.signal(SIGKILL)

    @Test("Members are started once the coordinator listens, and only then")
    func beginning() {
        var story = Story(servers: 2, workers: 1)
        #expect(story.handle(.began) == [.start(.coordinator, number: 1)])
        #expect(story.wait(1_000) == [])
        let started: [Supervisor.Action] = [
            .start(.server(0), number: 1), .start(.server(1), number: 1),
            .start(.worker(0), number: 1),
        ]
        #expect(story.handle(.listening) == started)
        #expect(story.handle(.listening) == [])
    }

    @Test(
        "Whoever died is started again after a tenth of a second, and told so",
        arguments: [.coordinator, .server(0), .worker(1)] as [ChildName],
        [.signal(SIGKILL), .signal(SIGSEGV), .status(69), .status(70), .status(75)] as [ChildExit])
    func restarted(name: ChildName, exit: ChildExit) {
        var story = Story.running()
        #expect(story.handle(.exited(name, exit)) == [])
        #expect(story.wait(99) == [])
        #expect(
            story.wait(1) == [
                .tell(.startedAgain(name, after: exit)), .start(name, number: 2),
            ])
        #expect(story.wait(60_000) == [])
    }

    @Test("A member's exit status 1 is no verdict, the coordinator's is")
    func trainingFailed() {
        var story = Story.running()
        #expect(story.handle(.exited(.worker(0), .status(1))) == [])
        #expect(story.wait(100).deeds == [.start(.worker(0), number: 2)])
        #expect(story.handle(.exited(.coordinator, .status(1))) == [])
        #expect(story.wait(999) == [])
        let kills = ([.server(0), .worker(0), .worker(1)] as [ChildName]).map {
            Supervisor.Action.signal($0, SIGKILL)
        }
        #expect(story.wait(1) == kills)
        #expect(
            story.end([.server(0), .worker(0), .worker(1)], killed) == [
                .end(.failed(.init(.coordinator, .status(1))))
            ])
    }

    @Test(
        "Command line, data, input, directory, permission, configuration: not worth a restart",
        arguments: [.coordinator, .server(0), .worker(1)] as [ChildName],
        [64, 65, 66, 73, 77, 78] as [Int32])
    func verdicts(name: ChildName, status: Int32) {
        var story = Story.running()
        #expect(story.handle(.exited(name, .status(status))) == [])
        let actions = story.wait(1_000)
        #expect(!actions.contains { if case .start = $0 { true } else { false } })
        let others = ([.coordinator, .server(0), .worker(0), .worker(1)] as [ChildName])
            .filter { $0 != name }
        #expect(story.end(others).last == .end(.failed(.init(name, .status(status)))))
    }

    @Test("A coordinator that cannot write its checkpoints ends the run")
    func diskFull() {
        var story = Story.running()
        _ = story.handle(.exited(.coordinator, .status(74)))
        _ = story.wait(1_000)
        #expect(
            story.end([.server(0), .worker(0), .worker(1)], killed).last
                == .end(.failed(.init(.coordinator, .status(74)))))
    }

    @Test("Three deaths in a row before the greeting end the run")
    func failedStarts() {
        var story = Story.running()
        _ = story.handle(.exited(.worker(0), killed))
        for (number, pause) in [(2, 100), (3, 100), (4, 200)] as [(Int, UInt64)] {
            #expect(story.wait(pause - 1) == [])
            #expect(story.wait(1).deeds == [.start(.worker(0), number: number)])
            #expect(story.handle(.exited(.worker(0), .signal(SIGABRT))) == [])
        }
        let asked = ([.coordinator, .server(0), .worker(1)] as [ChildName]).map {
            Supervisor.Action.signal($0, SIGTERM)
        }
        #expect(story.wait(1_000) == asked)
        let cause = Supervisor.Cause(.worker(0), .signal(SIGABRT), .failedStarts(3))
        #expect(
            story.end([.worker(1), .server(0), .coordinator]) == [.end(.failed(cause))])
    }

    @Test("A greeting in between forgives")
    func forgiven() {
        var story = Story.running()
        for number in 2..<9 {
            _ = story.handle(.exited(.worker(0), killed))
            #expect(story.wait(200).deeds == [.start(.worker(0), number: number)])
            if number.isMultiple(of: 2) { _ = story.handle(.greeted(.worker(0))) }
        }
    }

    @Test("A refusal that passes is waited for: pauses grow, and it is no failed start")
    func refused() {
        var story = Story.running()
        _ = story.handle(.exited(.server(0), killed))
        var waited: UInt64 = 0
        for number in 2..<11 {
            while story.wait(100).deeds != [.start(.server(0), number: number)] { waited += 100 }
            waited += 100
            #expect(story.handle(.exited(.server(0), .status(75))) == [])
        }
        #expect(waited == 100 + 100 + 200 + 400 + 800 + 1_600 + 3_200 + 5_000 + 5_000)
        _ = story.wait(1_000)
        let cause = Supervisor.Cause(.server(0), .status(75), .noProgress(deaths: 10))
        #expect(
            story.end([.worker(0), .worker(1), .coordinator]).last == .end(.failed(cause)))
    }

    @Test("The pause doubles up to its longest")
    func pauses() {
        var limits = Supervisor.Limits()
        (limits.failedStarts, limits.deathsWithoutStep) = (20, 20)
        var story = Story(limits: limits)
        _ = story.handle(.began)
        var pauses: [UInt64] = []
        for number in 2..<10 {
            _ = story.handle(.exited(.coordinator, killed))
            var pause: UInt64 = 0
            while story.wait(1).deeds != [.start(.coordinator, number: number)] { pause += 1 }
            pauses.append(pause + 1)
        }
        #expect(pauses == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
    }

    @Test("Who dies again and again without a step of the run ends it, greeted or not")
    func noProgress() {
        var story = Story.running()
        func dieAndGreet(_ story: inout Story) {
            _ = story.handle(.exited(.worker(1), killed))
            _ = story.wait(100)
            _ = story.handle(.greeted(.worker(1)))
        }
        for _ in 0..<9 { dieAndGreet(&story) }
        _ = story.handle(.stepCommitted)
        for _ in 0..<9 { dieAndGreet(&story) }
        _ = story.handle(.exited(.worker(1), killed))
        _ = story.wait(1_000)
        let cause = Supervisor.Cause(.worker(1), killed, .noProgress(deaths: 10))
        #expect(
            story.end([.worker(0), .server(0), .coordinator]).last == .end(.failed(cause)))
    }

    @Test("With `never` the first death ends the run, and the likeliest cause is named")
    func never() {
        var story = Story.running(restart: .never)
        _ = story.handle(.exited(.worker(0), .status(69)))
        _ = story.handle(.exited(.worker(1), .status(1)))
        _ = story.handle(.exited(.server(0), killed))
        #expect(story.wait(1_000) == [.signal(.coordinator, SIGTERM)])
        #expect(
            story.end([.coordinator]) == [.end(.failed(.init(.server(0), killed)))])
    }

    @Test("A coordinator that never listens ends the run")
    func silent() {
        var story = Story()
        _ = story.handle(.began)
        #expect(story.wait(600_000) == [])
        #expect(story.wait(1) == [])
        #expect(story.wait(1_000) == [.signal(.coordinator, SIGTERM)])
        #expect(story.wait(20_000) == [.signal(.coordinator, SIGKILL)])
        let cause = Supervisor.Cause(.coordinator, .status(69), .silent)
        #expect(story.end([.coordinator], killed) == [.end(.failed(cause))])
    }
}
