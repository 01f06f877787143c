import Glibc
import Testing
import TrainingProtocol
import Transport

/// A coordinator that answers each heartbeat with the next number, and stops when asked.
func makeEcho(
    listen: String = "127.0.0.1:0", limits: TransportLimits = .fast
) throws -> LoopUnderTest {
    let incarnation = Incarnation.random()
    return try LoopUnderTest(listen: listen, limits: limits, incarnation: incarnation) {
        event, _, effects in
        switch event {
        case .received(let message, from: let peer):
            guard let number = message.number else { return }
            effects.append(.send(.beat(.coordinator, incarnation, number + 1), to: peer))
        case .stopRequested: effects.append(.terminate(.drained))
        default: break
        }
    }
}

/// An echo on a port that libzmq may still be giving back: closing a socket takes it a moment.
func makeSuccessor(on endpoint: Endpoint) throws -> LoopUnderTest {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
        do {
            return try makeEcho(listen: endpoint.description)
        } catch TransportError.addressInUse {
            sched_yield()
        }
    }
    return try makeEcho(listen: endpoint.description)
}

/// A worker that greets on `.started`, and says so again after each loss, until `last` comes back.
func makeCaller(to endpoint: Endpoint, last: Int) throws -> LoopUnderTest {
    let incarnation = Incarnation.random()
    return try LoopUnderTest(coordinator: endpoint, incarnation: incarnation) {
        event, _, effects in
        switch event {
        case .started, .disconnected:
            effects.append(.send(.beat(.worker, incarnation, 0), to: .coordinator))
        case .received(let message, from: let peer):
            guard let number = message.number else { return }
            if number >= last { return effects.append(.terminate(.completed)) }
            effects.append(.send(.beat(.worker, incarnation, number), to: peer))
        case .stopRequested: effects.append(.terminate(.drained))
        default: break
        }
    }
}

@Suite("Loops talk to each other", .timeLimit(.minutes(2)))
struct ConversationTests {
    @Test func twoMachinesCountToAThousand() throws {
        let echo = try makeEcho()
        let caller = try makeCaller(to: try #require(echo.endpoint), last: 1_000)
        #expect(caller.waitForEnd())
        #expect(caller.seen.termination == .completed)
        #expect(caller.seen.events.compactMap(\.number) == Array(1...1_000))
        let peer = Peer.member(caller.incarnation)
        #expect(echo.wait { $0.events.contains(.disconnected(peer)) })
        // The loss is told after everything that the peer said.
        #expect(echo.seen.events.last == .disconnected(peer))
        echo.controls.requestStop()
        #expect(echo.waitForEnd())
    }

    @Test func aCallerWaitsForAListenerThatComesLater() throws {
        let probe = try makeEcho()
        let endpoint = try #require(probe.endpoint)
        probe.controls.requestStop()
        #expect(probe.waitForEnd())
        let caller = try makeCaller(to: endpoint, last: 3)
        let echo = try makeSuccessor(on: endpoint)
        #expect(caller.waitForEnd())
        echo.controls.requestStop()
        #expect(echo.waitForEnd())
    }

    @Test func aCallerSeesItsListenerDieAndFindsTheNextOne() throws {
        let first = try makeEcho()
        let endpoint = try #require(first.endpoint)
        let caller = try makeCaller(to: endpoint, last: Int(Int32.max))
        #expect(caller.wait { $0.events.contains { $0.number == 50 } })
        first.controls.requestStop()
        #expect(first.waitForEnd())
        #expect(caller.wait { $0.events.contains(.disconnected(.coordinator)) })
        let second = try makeSuccessor(on: endpoint)
        #expect(second.wait { $0.events.contains { $0.number == 30 } })
        // Renaming the connection does not disturb it again: no loss after the second one answers.
        let losses = caller.seen.events.filter { $0 == .disconnected(.coordinator) }.count
        #expect(second.wait { $0.events.contains { $0.number == 300 } })
        #expect(caller.seen.events.filter { $0 == .disconnected(.coordinator) }.count == losses)
        caller.controls.requestStop()
        #expect(caller.waitForEnd())
        second.controls.requestStop()
        #expect(second.waitForEnd())
    }

    @Test func lastWordsArriveBeforeTheLoss() throws {
        let listener = try makeEcho()
        let incarnation = Incarnation.random()
        let caller = try LoopUnderTest(coordinator: listener.endpoint, incarnation: incarnation) {
            event, _, effects in
            if event == .started {
                effects.append(.send(.beat(.worker, incarnation, 0), to: .coordinator))
            }
            guard event.number == 1 else { return }
            for number in 1_001...1_200 {
                effects.append(.send(.beat(.worker, incarnation, number), to: .coordinator))
            }
            effects.append(.terminate(.completed))
        }
        #expect(caller.waitForEnd())
        let loss = Event.disconnected(.member(incarnation))
        #expect(listener.wait { $0.events.contains(loss) })
        #expect(listener.seen.events.last == loss)
        #expect(listener.seen.events.compactMap(\.number) == [0] + Array(1_001...1_200))
        listener.controls.requestStop()
        #expect(listener.waitForEnd())
    }

    @Test func sixteenMebibytesArriveUnchangedAndAreReleased() throws {
        let released = Watched(0)
        let byteCount = 16 << 20
        let echo = try LoopUnderTest(listen: "127.0.0.1:0", incarnation: .random()) {
            event, _, effects in
            if event == .stopRequested { effects.append(.terminate(.drained)) }
        }
        let incarnation = Incarnation.random()
        let caller = try LoopUnderTest(
            coordinator: echo.endpoint, incarnation: incarnation
        ) { event, _, effects in
            switch event {
            case .started:
                for index in 0..<4 {
                    let payload = patterned(byteCount, seed: index, released: released)
                    effects.append(
                        .send(.push(incarnation, UInt64(index), payload), to: .coordinator))
                }
            case .stopRequested: effects.append(.terminate(.drained))
            default: break
            }
        }
        let pushes = { (record: LoopUnderTest.Record) in
            record.events.compactMap { event -> Push? in
                guard case .received(let message, _) = event, case .push(let push) = message.body
                else { return nil }
                return push
            }
        }
        #expect(echo.wait { pushes($0).count == 4 })
        for (index, push) in pushes(echo.seen).enumerated() {
            #expect(push.step == Step(UInt64(index)))
            #expect(push.payload == patterned(byteCount, seed: index, released: Watched(0)))
            #expect(Int(bitPattern: push.payload.bytes.baseAddress) % 8 == 0)
        }
        #expect(released.wait { $0 == 4 })
        caller.controls.requestStop()
        echo.controls.requestStop()
        #expect(caller.waitForEnd() && echo.waitForEnd())
    }

    @Test(arguments: [4, 100, 4_096, 8_188, 8_192, 9_000, 65_540])
    func smallFramesArriveUnchangedAndAligned(byteCount: Int) throws {
        let echo = try LoopUnderTest(listen: "127.0.0.1:0", incarnation: .random()) {
            event, _, effects in
            if event == .stopRequested { effects.append(.terminate(.drained)) }
        }
        let incarnation = Incarnation.random()
        let caller = try LoopUnderTest(
            coordinator: echo.endpoint, incarnation: incarnation
        ) { event, _, effects in
            if event == .stopRequested { effects.append(.terminate(.drained)) }
            guard event == .started else { return }
            for index in 0..<20 {
                let payload = patterned(byteCount, seed: index, released: Watched(0))
                effects.append(
                    .send(.push(incarnation, UInt64(index), payload), to: .coordinator))
            }
        }
        #expect(echo.wait { $0.events.count >= 21 })
        for case .received(let message, _) in echo.seen.events {
            guard case .push(let push) = message.body else { continue }
            let expected = patterned(byteCount, seed: Int(push.step.index), released: Watched(0))
            #expect(push.payload == expected)
            #expect(Int(bitPattern: push.payload.bytes.baseAddress) % 8 == 0)
        }
        caller.controls.requestStop()
        echo.controls.requestStop()
        #expect(caller.waitForEnd() && echo.waitForEnd())
    }
}

/// Bytes that tell where they belong.
func patterned(_ byteCount: Int, seed: Int, released: Watched<Int>) -> Frame {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    for offset in stride(from: 0, to: byteCount, by: 4) {
        memory.storeBytes(
            of: UInt32(truncatingIfNeeded: (offset &+ 1) &* (2 * seed + 1)), toByteOffset: offset,
            as: UInt32.self)
    }
    nonisolated(unsafe) let owned = memory
    return Frame(adopting: UnsafeRawBufferPointer(memory)) {
        owned.deallocate()
        released.change { $0 += 1 }
    }
}
