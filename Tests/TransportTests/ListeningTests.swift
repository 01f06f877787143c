import Foundation
import RawPeers
import Testing
import TrainingProtocol
import Transport

@Suite("Listening, stopping, timers and jobs", .timeLimit(.minutes(2)))
struct ListeningTests {
    @Test func aTakenPortIsRefusedWithWhatToDo() throws {
        let first = try makeEcho()
        let endpoint = try #require(first.endpoint)
        #expect(endpoint.port != 0)
        let error = #expect(throws: TransportError.self) {
            try makeEcho(listen: endpoint.description)
        }
        #expect(error == .addressInUse(endpoint.description))
        #expect(error?.description.contains("choose another port") == true)
        first.controls.requestStop()
        #expect(first.waitForEnd())
    }

    @Test(arguments: ["0.0.0.0:0", "*:0", "10.1.2.3:0", "[::]:0", "eth0:0", "128.0.0.1:0"])
    func anExposedEndpointNeedsConsent(text: String) throws {
        let endpoint = try Endpoint(parsing: text)
        #expect(throws: TransportError.exposedEndpoint(endpoint.description)) {
            try makeEcho(listen: text)
        }
    }

    @Test func consentIsAnsweredWithAWarning() throws {
        let loop = try LoopUnderTest(listen: "0.0.0.0:0", exposure: .insecure) {
            event, _, effects in
            if event == .stopRequested { effects.append(.terminate(.drained)) }
        }
        let endpoint = try #require(loop.endpoint)
        #expect(loop.seen.observations.contains(.exposed(endpoint)))
        let reachable = Endpoint(host: "127.0.0.1", port: endpoint.port)
        _ = RawConnection(to: reachable)
        loop.controls.requestStop()
        #expect(loop.waitForEnd())
    }

    @Test func anAddressOfNoInterfaceIsRefused() throws {
        #expect(throws: TransportError.addressUnavailable("tcp://192.0.2.77:0")) {
            _ = try LoopUnderTest(listen: "192.0.2.77:0", exposure: .insecure) { _, _, _ in }
        }
    }

    @Test func endpointsAreReadStrictly() throws {
        #expect(try Endpoint(parsing: "tcp://[::1]:80") == Endpoint(host: "::1", port: 80))
        #expect(try Endpoint(parsing: "node-7.local:65535").port == 65_535)
        #expect(try Endpoint(parsing: "127.0.0.1:*").port == 0)
        #expect(try Endpoint(parsing: "127.1.2.3:1").isLoopback)
        #expect(try Endpoint(parsing: "localhost:1").isLoopback)
        #expect(try !Endpoint(parsing: "127.0.0.1.example.com:1").isLoopback)
        #expect(try !Endpoint(parsing: "127.0.0.x:1").isLoopback)
        for text in [
            "", ":", "host", "host:", ":80", "host:65536", "host:-1", "host:+1",
            "host:8 0", "ho st:80", "ipc://x:1", "host:80;eth0:90", "::1:80", "[::1]", "a/b:1",
        ] {
            #expect(throws: TransportError.invalidEndpoint(text)) { try Endpoint(parsing: text) }
        }
    }

    @Test func messagesToNobodyDoNotDelayTheEnd() throws {
        let context = try MessagingContext()
        let nowhere = Endpoint(host: "127.0.0.1", port: 9)
        let incarnation = Incarnation.random()
        let clock = ContinuousClock()
        let start = clock.now
        let loop = try LoopUnderTest(
            coordinator: nowhere, context: context, incarnation: incarnation
        ) { event, _, effects in
            guard event == .started else { return }
            let payload = Frame(copying: [UInt8](repeating: 1, count: 1 << 20))
            for index in 0..<20 {
                effects.append(
                    .send(.push(incarnation, UInt64(index), payload), to: .coordinator))
            }
            effects.append(.terminate(.completed))
        }
        #expect(loop.waitForEnd())
        context.shutDown()
        #expect(clock.now - start < .seconds(5))
    }

    @Test func stopRequestsBecomeEventsOneByOne() throws {
        let loop = try LoopUnderTest { event, _, effects in
            if case .timerFired = event { effects.append(.terminate(.aborted)) }
            if event == .stopRequested {
                effects.append(.setTimer(.farewell, deadline: .monotonicNow()))
            }
        }
        loop.controls.requestStop()
        #expect(loop.waitForEnd())
        #expect(loop.seen.events == [.started, .stopRequested, .timerFired(.farewell)])
    }

    @Test func timersFireInOrderNeverEarlyAndNotAfterTheyAreCancelled() throws {
        let deadlines = Watched<[TimerID: Instant]>([:])
        let fired = Watched<[(TimerID, Instant)]>([])
        let loop = try LoopUnderTest { event, now, effects in
            switch event {
            case .started:
                let times: [(TimerID, UInt64)] = [(.farewell, 60), (.tick, 20), (.firstLeases, 40)]
                for (timer, milliseconds) in times {
                    let deadline = now.advanced(milliseconds: milliseconds)
                    deadlines.change { $0[timer] = deadline }
                    effects.append(.setTimer(timer, deadline: deadline))
                }
                effects.append(.cancelTimer(.firstLeases))
            case .timerFired(let timer):
                fired.change { $0.append((timer, now)) }
                if timer == .farewell { effects.append(.terminate(.completed)) }
            default: break
            }
        }
        #expect(loop.waitForEnd())
        #expect(fired.value.map(\.0) == [.tick, .farewell])
        for (timer, moment) in fired.value {
            #expect(moment >= deadlines.value[timer] ?? Instant(nanoseconds: .max))
        }
    }

    @Test func reportsOfJobsComeBackInTheirOrderFromAnyThread() throws {
        let loop = try LoopUnderTest(jobs: CountingJobs()) { event, _, effects in
            switch event {
            case .started:
                let job = Job.inspect(
                    InspectJob(digest: Digest(0), payload: Frame(copying: []), format: .float32))
                effects.append(.start(JobID(5), job))
            case .finished: effects.append(.terminate(.completed))
            default: break
            }
        }
        #expect(loop.waitForEnd())
        let progress = (0..<500).map { Event.progressed(JobID(5), .slots($0)) }
        #expect(loop.seen.events == [.started] + progress + [.finished(JobID(5), .prepared)])
    }

    @Test func sendingToAnUnknownPeerIsReportedAsItsLoss() throws {
        let peer = Peer.member(.random())
        let loop = try LoopUnderTest(listen: "127.0.0.1:0") { event, _, effects in
            switch event {
            case .started:
                for number in 0..<3 {
                    effects.append(.send(.beat(.coordinator, .random(), number), to: peer))
                }
            case .disconnected: effects.append(.terminate(.completed))
            default: break
            }
        }
        #expect(loop.waitForEnd())
        #expect(loop.seen.events == [.started, .disconnected(peer)])
        #expect(
            loop.seen.observations.contains(.messageDropped(.unreachable, to: peer, count: 2)))
    }

    @Test func anUnusableEndpointIsTheLossOfItsPeer() throws {
        let loop = try LoopUnderTest { event, _, effects in
            switch event {
            case .started: effects.append(.connect(.server(ServerIndex(1)), endpoint: "nonsense"))
            case .disconnected(.server(ServerIndex(1))): effects.append(.terminate(.completed))
            default: break
            }
        }
        #expect(loop.waitForEnd())
    }
}

/// Reports from a thread of its own.
private struct CountingJobs: JobRunner {
    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void) {
        Thread.detachNewThread {
            for count in 0..<500 { report(.progressed(.slots(count))) }
            report(.finished(.prepared))
        }
    }
}
