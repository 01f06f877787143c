import Foundation
import RawPeers
import Testing
import TrainingProtocol
import Transport
import WireFormat

/// Memory that a raw peer offers and may take back.
private final class OfferedMemory {
    private let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
    private let value: (high: UInt64, low: UInt64)

    init() {
        value = (.random(in: 1 ... .max), .random(in: 1 ... .max))
        words[0] = value.high
        words[1] = value.low
    }

    var offer: DirectReadingNote {
        .offer(address: address(of: words), high: value.high, low: value.low)
    }

    func takeBack() { words[0] = 0 }

    deinit { words.deallocate() }
}

private func address(of pointer: UnsafeRawPointer?) -> UInt64 { UInt64(UInt(bitPattern: pointer)) }

extension Frame {
    fileprivate var place: DirectReadingNote.Place {
        .inMemory(address: address(of: bytes.baseAddress), byteCount: byteCount)
    }
}

@Suite("Processes of one host read each other's memory", .timeLimit(.minutes(2)))
struct DirectReadingTests {
    private let incarnation = Incarnation.random()
    private let memory = OfferedMemory()
    private let frame = patterned(1 << 20, seed: 3, released: Watched(0))

    /// A coordinator that answers a heartbeat with a push of its own.
    private func listener(
        limits: TransportLimits = .fast, pushing payload: @escaping @Sendable () -> Frame
    ) throws -> LoopUnderTest {
        let incarnation = Incarnation.random()
        return try LoopUnderTest(listen: "127.0.0.1:0", limits: limits, incarnation: incarnation) {
            event, _, effects in
            switch event {
            case .received(let message, let peer) where message.number != nil:
                effects.append(.send(.push(incarnation, 0, payload()), to: peer))
            case .stopRequested: effects.append(.terminate(.drained))
            default: break
            }
        }
    }

    private func listener() throws -> LoopUnderTest {
        try listener { Frame(floats: [1]) }
    }

    private func localDealer(
        to loop: LoopUnderTest, connection: UInt64 = 1
    ) throws -> RawDealer {
        let address = LocalAddress(ofListenerAt: try #require(loop.endpoint)).description
        return RawDealer(
            toAddress: address,
            routingID: RawDealer.routingID(of: incarnation, connection: connection))
    }

    /// The notes that come until `count` are there.
    private func notes(_ count: Int, to dealer: RawDealer) -> [DirectReadingNote] {
        (0..<count).compactMap { _ in
            dealer.receive(milliseconds: 20_000)?[0].withUnsafeBytes { DirectReadingNote($0) }
        }
    }

    private func shakeHands(_ dealer: RawDealer) {
        dealer.send([memory.offer.bytes])
        let notes = notes(2, to: dealer)
        #expect(notes.count == 2)
        #expect(notes.contains(.accepted))
    }

    private func sendLent(
        _ dealer: RawDealer, number: UInt64 = 1, _ places: [DirectReadingNote.Place]
    ) {
        let push = WireCodec().encode(.push(incarnation, number, frame))
        let note = DirectReadingNote.lent(number: number, places: places)
        dealer.send([note.bytes, push.header])
    }

    private func end(_ loop: LoopUnderTest) {
        loop.controls.requestStop()
        #expect(loop.waitForEnd())
    }

    private func pushes(_ record: LoopUnderTest.Record) -> [Push] {
        record.events.compactMap { event in
            guard case .received(let message, _) = event, case .push(let push) = message.body
            else { return nil }
            return push
        }
    }

    private func expectRefusal(
        _ refusal: MessageRefusal, count: Int = 1, by loop: LoopUnderTest
    ) {
        #expect(
            loop.wait { $0.observations.contains(.messageRefused(refusal, count: count)) },
            "\(refusal)")
    }

    @Test func aLentFrameIsReadAndTold() throws {
        let loop = try listener()
        let dealer = try localDealer(to: loop)
        shakeHands(dealer)
        sendLent(dealer, number: 7, [frame.place])
        #expect(loop.wait { pushes($0).count == 1 })
        #expect(pushes(loop.seen).first?.payload == frame)
        #expect(notes(1, to: dealer) == [.read(through: 7)])
        end(loop)
    }

    /// As where the sender believes that this process is dead, and uses the memory anew.
    @Test func aFrameThatWasTakenBackIsNotRead() throws {
        let loop = try listener()
        let dealer = try localDealer(to: loop)
        shakeHands(dealer)
        memory.takeBack()
        sendLent(dealer, [frame.place])
        expectRefusal(.unreadableLoan, by: loop)
        #expect(pushes(loop.seen).isEmpty)
        end(loop)
    }

    @Test func wildAddressesAndSizesAreRefused() throws {
        let loop = try listener()
        let dealer = try localDealer(to: loop)
        shakeHands(dealer)
        sendLent(dealer, [.inMemory(address: 8, byteCount: 4)])
        sendLent(dealer, number: 2, [.inMemory(address: .max - 3, byteCount: 8 << 20)])
        sendLent(dealer, number: 3, [.inMessage])
        expectRefusal(.unreadableLoan, count: 2, by: loop)
        sendLent(dealer, [.inMemory(address: 8, byteCount: .max)])
        expectRefusal(.tooManyBytes, by: loop)
        sendLent(dealer, Array(repeating: frame.place, count: 1_000))
        expectRefusal(.tooManyFrames, by: loop)
        dealer.send([[0, 9, 0, 0, 0, 0, 0, 0]])
        dealer.send([DirectReadingNote.accepted.bytes, [1]])
        expectRefusal(.unknownNote, count: 2, by: loop)
        sendLent(dealer, number: 9, [frame.place])
        #expect(loop.wait { pushes($0).count == 1 })
        end(loop)
    }

    @Test func nothingIsReadOrLentWithoutAnOffer() throws {
        let loop = try listener { patterned(1 << 20, seed: 5, released: Watched(0)) }
        let dealer = try localDealer(to: loop)
        sendLent(dealer, [frame.place])
        expectRefusal(.unreadableLoan, by: loop)
        dealer.send([DirectReadingNote.accepted.bytes])
        dealer.send(.beat(.worker, incarnation, 1))
        #expect(dealer.receive(milliseconds: 20_000)?.last?.count == 1 << 20)
        end(loop)
    }

    @Test func aPeerOnTCPIsNeitherReadNorLentTo() throws {
        let loop = try listener { patterned(1 << 20, seed: 5, released: Watched(0)) }
        let dealer = RawDealer(
            to: try #require(loop.endpoint), routingID: RawDealer.routingID(of: incarnation))
        dealer.send([memory.offer.bytes])
        dealer.send([DirectReadingNote.accepted.bytes])
        sendLent(dealer, [frame.place])
        expectRefusal(.unreadableLoan, by: loop)
        dealer.send(.beat(.worker, incarnation, 1))
        #expect(dealer.receive(milliseconds: 20_000)?.last?.count == 1 << 20)
        end(loop)
    }

    /// Its loans ended with it, and the new connection's token says nothing about them.
    @Test func nothingLentOnAReplacedConnectionIsRead() throws {
        let loop = try listener()
        let old = try localDealer(to: loop)
        shakeHands(old)
        let new = try localDealer(to: loop, connection: 2)
        shakeHands(new)
        sendLent(old, [frame.place])
        expectRefusal(.unreadableLoan, by: loop)
        sendLent(new, [frame.place])
        #expect(loop.wait { pushes($0).count == 1 })
        end(loop)
    }

    /// A false token: the peer cannot make this process read anything but the peer itself.
    @Test func anOfferWithOtherWordsIsIgnored() throws {
        let loop = try listener()
        let dealer = try localDealer(to: loop)
        memory.takeBack()
        dealer.send([memory.offer.bytes])
        sendLent(dealer, [frame.place])
        expectRefusal(.unreadableLoan, by: loop)
        end(loop)
    }

    @Test func whatIsLentIsKeptUntilItIsReadOrTheConnectionEnds() throws {
        let released = Watched(0)
        let loop = try listener { patterned(1 << 20, seed: 5, released: released) }
        do {
            let dealer = try localDealer(to: loop)
            shakeHands(dealer)
            dealer.send([DirectReadingNote.accepted.bytes])
            for number in 1...3 {
                dealer.send(.beat(.worker, incarnation, number))
                let parts = try #require(dealer.receive(milliseconds: 20_000))
                let note = parts[0].withUnsafeBytes { DirectReadingNote($0) }
                guard case .lent(UInt64(number), let places) = note,
                    case .inMemory(let address, let byteCount) = places.last
                else { throw Failure.notLent }
                let start = UnsafeRawPointer(bitPattern: UInt(address))
                let lent = UnsafeRawBufferPointer(start: start, count: byteCount)
                let expected = patterned(1 << 20, seed: 5, released: Watched(0))
                #expect(Frame(copying: lent) == expected)
            }
            #expect(released.value == 0)
            dealer.send([DirectReadingNote.read(through: 2).bytes])
            #expect(released.wait { $0 == 2 })
        }
        #expect(released.wait { $0 == 3 })
        end(loop)
    }

    private enum Failure: Error { case notLent }

    @Test func aPeerThatReadsNothingIsLentNoMoreThanItsBound() throws {
        var limits = TransportLimits.fast
        limits.queuedByteCount = 3 << 20
        let released = Watched(0)
        let loop = try listener(limits: limits) { patterned(1 << 20, seed: 5, released: released) }
        let dealer = try localDealer(to: loop)
        shakeHands(dealer)
        dealer.send([DirectReadingNote.accepted.bytes])
        for number in 1...8 { dealer.send(.beat(.worker, incarnation, number)) }
        // Three are lent and fewer than three wait beside their headers.
        #expect(
            loop.wait { record in
                record.observations.contains {
                    if case .messageDropped(.queueFull, _, _) = $0 { true } else { false }
                }
            })
        // It reads, and gets what waited.
        for number in 1...5 {
            _ = dealer.receive(milliseconds: 20_000)
            dealer.send([DirectReadingNote.read(through: UInt64(number)).bytes])
        }
        #expect(released.wait { $0 >= 5 })
        end(loop)
    }

    @Test func aLoanIsReadOnce() throws {
        let loop = try listener()
        let dealer = try localDealer(to: loop)
        shakeHands(dealer)
        sendLent(dealer, number: 5, [frame.place])
        #expect(loop.wait { pushes($0).count == 1 })
        sendLent(dealer, number: 5, [frame.place])
        expectRefusal(.unreadableLoan, by: loop)
        end(loop)
    }

    /// Each has lent all that it may and has more to send, which waits until the other has read.
    @Test func twoThatLendEachOtherAllTheyMayDoNotBlock() throws {
        var limits = TransportLimits.fast
        limits.queuedByteCount = 3 << 20
        let (far, near) = (Incarnation.random(), Incarnation.random())
        let burst: @Sendable (Role, Incarnation, Peer) -> [Effect] = { role, sender, receiver in
            (0..<5).map { index in
                let payload = patterned(1 << 20, seed: index, released: Watched(0))
                let push = Message.push(sender, UInt64(index), payload)
                return .send(.from(role, sender, push.body), to: receiver)
            }
        }
        let loop = try LoopUnderTest(listen: "127.0.0.1:0", limits: limits, incarnation: far) {
            event, _, effects in
            switch event {
            case .received(let message, let peer):
                guard let number = message.number else { return }
                effects.append(.send(.beat(.coordinator, far, number + 1), to: peer))
                if number == 20 { effects += burst(.coordinator, far, peer) }
            case .stopRequested: effects.append(.terminate(.drained))
            default: break
            }
        }
        let caller = try LoopUnderTest(
            coordinator: loop.endpoint, limits: limits, incarnation: near
        ) { event, _, effects in
            switch event {
            case .started: effects.append(.send(.beat(.worker, near, 0), to: .coordinator))
            case .received(let message, _):
                guard let number = message.number, number <= 20 else { return }
                effects.append(.send(.beat(.worker, near, number), to: .coordinator))
                if number == 20 { effects += burst(.worker, near, .coordinator) }
            case .stopRequested: effects.append(.terminate(.drained))
            default: break
            }
        }
        #expect(loop.wait { pushes($0).count == 5 })
        #expect(caller.wait { pushes($0).count == 5 })
        end(caller)
        end(loop)
    }

    /// The memory of a process that ends is gone: its last messages must have been read before.
    @Test func theLastLentMessageIsReadBeforeTheLoopEnds() throws {
        let loop = try makeEcho()
        for count in 1...20 {
            let caller = Incarnation.random()
            let released = Watched(0)
            let ending = try LoopUnderTest(coordinator: loop.endpoint, incarnation: caller) {
                event, _, effects in
                switch event {
                case .started:
                    effects.append(.send(.beat(.worker, caller, 0), to: .coordinator))
                case .received(let message, _) where message.number.map { $0 < 10 } == true:
                    // The transports shake hands meanwhile.
                    let number = message.number ?? 0
                    effects.append(.send(.beat(.worker, caller, number), to: .coordinator))
                case .received:
                    let payload = patterned(8 << 20, seed: 1, released: released)
                    effects.append(.send(.push(caller, 1, payload), to: .coordinator))
                    effects.append(.terminate(.completed))
                default: break
                }
            }
            #expect(ending.waitForEnd())
            #expect(loop.wait { pushes($0).count == count })
            #expect(released.wait { $0 == 1 })
        }
        let refused = loop.seen.observations.contains {
            if case .messageRefused = $0 { true } else { false }
        }
        #expect(!refused)
        end(loop)
    }

    @Test func notesSurviveTheWireAndOthersAreRefused() {
        let notes: [DirectReadingNote] = [
            .offer(address: 1, high: .max, low: 0), .accepted, .read(through: 1 << 63),
            .lent(number: 3, places: []),
            .lent(number: 4, places: [.inMessage, .inMemory(address: .max, byteCount: 1)]),
        ]
        for note in notes {
            #expect(note.bytes.withUnsafeBytes { DirectReadingNote($0) } == note)
            for count in 0..<note.bytes.count {
                let part = Array(note.bytes.prefix(count))
                #expect(part.withUnsafeBytes { DirectReadingNote($0) } != note)
            }
            var changed = note.bytes
            changed[5] = 1
            #expect(changed.withUnsafeBytes { DirectReadingNote($0) } == nil)
        }
        let noAddress = DirectReadingNote.lent(
            number: 1, places: [.inMemory(address: 0, byteCount: 8)])
        #expect(noAddress.bytes.withUnsafeBytes { DirectReadingNote($0) } == nil)
    }
}
