import TrainingProtocol

/// One connection's way around its socket: two processes of one host and user read large frames from
/// each other's memory, which costs one copy where a socket costs two.
///
/// The socket still carries every message, in order; of a lent frame it carries the address. The end
/// that connects offers its memory, the other offers its own where it could read that, and each lends only
/// after the other has said that it can read: where the kernel forbids it to either, everything travels
/// through the socket as between hosts.
final class DirectReading {
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
    init(limits: TransportLimits) { self.limits = limits }

    // MARK: Lending

    /// Whether the peer has still to read what it was lent.
    var isLending: Bool { !loans.isEmpty }

    enum Terms {
        /// Everything goes through the socket.
        case socketOnly
        /// These frames are lent and the rest goes through the socket, behind the note.
        case lent(DirectReadingNote, frames: [Frame], rest: [Frame])
        /// So much is lent that the peer must read first.
        case full
    }

    /// Which frames of a message to lend.
    func terms(for payload: [Frame]) -> Terms {
        guard isAccepted else { return .socketOnly }
        let frames = payload.filter(isLarge)
        guard !frames.isEmpty else { return .socketOnly }
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
        // What has been told as read may have been let go, though the token still stands.
        guard let peer, loan.number > readNumber else { return nil }
        // Whatever comes of it, the peer need keep nothing.
        readNumber = loan.number
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

    // MARK: Notes

    /// Whether the peer is to be told something.
    var hasNotes: Bool { isOfferDue || isAcceptanceDue || readNumber > toldNumber }

    /// Sends what the peer is to be told; what does not leave stays due.
    ///
    /// Straight to the socket: behind queued messages, which may wait for the peer to read, both ends
    /// could wait for each other.
    func tell(
        _ send: (OutgoingMessage) -> OutgoingMessage.Result
    ) -> OutgoingMessage.Result {
        while let note = nextNote {
            let result = send(OutgoingMessage(note))
            guard result == .sent else { return result }
            switch note {
            case .offer: isOfferDue = false
            case .accepted: isAcceptanceDue = false
            case .read(let number): toldNumber = number
            case .lent: break
            }
        }
        return .sent
    }

    private var nextNote: DirectReadingNote? {
        if isOfferDue {
            let token = loans.token
            return .offer(
                address: token.address, high: token.value.high, low: token.value.low)
        }
        if isAcceptanceDue { return .accepted }
        return readNumber > toldNumber ? .read(through: readNumber) : nil
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
