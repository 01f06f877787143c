import TrainingProtocol

/// One connection's way around its socket: two processes of one host and user read large frames from
/// each other's memory, which costs one copy where a socket costs two.
///
/// The socket still carries every message, in order; of a lent frame it carries the address. Each end
/// offers its memory, and lends only after the other has said that it could read it: where the kernel
/// forbids it, everything travels through the socket as between hosts.
final class DirectReading {
    /// Notes for the peer, to be sent at the loop's next turn.
    private(set) var hasNotes = false
    private let limits: TransportLimits
    private let loans = MemoryLoans()
    private var isOfferDue = true
    private var isAcceptanceDue = false
    /// Whether the peer can read our memory.
    private var isAccepted = false
    /// What of the peer's memory this process can read.
    private var peer: PeerMemory?
    private var readNumber: UInt64 = 0
    private var toldNumber: UInt64 = 0

    /// For a new connection between processes of one host; begins with an offer to the peer.
    init(limits: TransportLimits) {
        self.limits = limits
        hasNotes = true
    }

    // MARK: Lending

    /// Whether the peer has still to read what it was lent.
    var isLending: Bool { !loans.isEmpty }

    enum Terms {
        /// Everything goes through the socket.
        case none
        /// These frames are lent and the rest goes through the socket, behind the note.
        case lent(DirectReadingNote, frames: [Frame], rest: [Frame])
        /// So much is lent that the peer must read first.
        case full
    }

    /// Which frames of a message to lend.
    func terms(for payload: [Frame]) -> Terms {
        guard isAccepted else { return .none }
        let frames = payload.filter(isLarge)
        guard !frames.isEmpty else { return .none }
        let byteCount = frames.reduce(0) { $0 + $1.byteCount }
        guard loans.isEmpty || loans.byteCount + byteCount <= limits.queuedByteCount else {
            return .full
        }
        let places = payload.map { frame -> DirectReadingNote.Place in
            guard isLarge(frame) else { return .inMessage }
            let address = UInt64(UInt(bitPattern: frame.bytes.baseAddress))
            return .inMemory(address: address, byteCount: frame.byteCount)
        }
        return .lent(
            .lent(number: loans.nextNumber, places: places), frames: frames,
            rest: payload.filter { !isLarge($0) })
    }

    private func isLarge(_ frame: Frame) -> Bool { frame.byteCount >= limits.lentByteCount }

    /// A message has left under the terms that were just asked for.
    func lend(_ frames: [Frame]) { loans.add(frames) }

    // MARK: Reading

    /// Heeds what the peer wrote; the kernel's errno value where it forbids to read the peer's memory.
    func heed(_ incoming: IncomingNote) -> Int32? {
        switch incoming.note {
        case .offer(let address, let high, let low):
            let token = MemoryToken(address: address, value: .init(high: high, low: low))
            switch PeerMemory.open(token, behind: incoming.connectionDescriptor) {
            case .readable(let memory):
                peer = memory
                isAcceptanceDue = true
                hasNotes = true
            case .elsewhere: break
            case .refused(let code): return code
            }
        case .accepted: isAccepted = true
        case .read(let number): loans.release(through: number)
        case .lent: preconditionFailure("a loan comes with its message")
        }
        return nil
    }

    var canRead: Bool { peer != nil }

    /// The message with the frames that it was lent; nil where they could not be read.
    func complete(_ message: IncomingMessage, _ loan: IncomingMessage.Loan) -> IncomingMessage? {
        guard let peer else { return nil }
        // Whatever comes of it, the peer need keep nothing.
        readNumber = loan.number
        hasNotes = true
        var payload: [Frame] = []
        var inMessage = message.payload[...]
        for place in loan.places {
            switch place {
            case .inMessage:
                guard let frame = inMessage.popFirst() else { return nil }
                payload.append(frame)
            case .inMemory(let address, let byteCount):
                guard let frame = peer.frame(at: address, byteCount: byteCount) else { return nil }
                payload.append(frame)
            }
        }
        guard inMessage.isEmpty else { return nil }
        return message.with(payload)
    }

    /// What the peer is to be told now.
    func takeNotes() -> [DirectReadingNote] {
        var notes: [DirectReadingNote] = []
        if isOfferDue {
            let token = loans.token
            notes.append(
                .offer(address: token.address, high: token.value.high, low: token.value.low))
        }
        if isAcceptanceDue { notes.append(.accepted) }
        if readNumber > toldNumber { notes.append(.read(through: readNumber)) }
        (isOfferDue, isAcceptanceDue, toldNumber, hasNotes) = (false, false, readNumber, false)
        return notes
    }
}

extension PeerMemory {
    private struct Unreadable: Error {}

    fileprivate func frame(at address: UInt64, byteCount: Int) -> Frame? {
        try? Frame(byteCount: byteCount) { memory in
            guard read(address, into: memory) else { throw Unreadable() }
        }
    }
}
