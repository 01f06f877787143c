import CZeroMQ
import TrainingProtocol

/// The raw parts of a message that kept within the limits.
struct IncomingMessage {
    /// Who sent it, where a ROUTER received it.
    let routingID: RoutingID?
    let header: ReceivedPart
    let payload: [Frame]
    /// Which frames the sender lent instead of sending them.
    let loan: Loan?
    let connectionDescriptor: Int32

    struct Loan {
        let number: UInt64
        let places: [DirectReadingNote.Place]
    }

    /// How many messages of a turn it stands for: frames of a peer's memory cost the peer nothing,
    /// and copying them takes the loop's time.
    var turns: Int { max(1, payload.reduce(0) { $0 + $1.byteCount } >> 21) }

    /// The same message with all its frames.
    func with(_ payload: [Frame]) -> IncomingMessage {
        IncomingMessage(
            routingID: routingID, header: header, payload: payload, loan: nil,
            connectionDescriptor: connectionDescriptor)
    }
}

/// A note and where it came from.
struct IncomingNote {
    let routingID: RoutingID?
    let note: DirectReadingNote
    let connectionDescriptor: Int32
}

/// What reading one message came to.
enum Reception {
    case nothing
    case message(IncomingMessage)
    case note(IncomingNote)
    case refused(MessageRefusal)
}

/// Why a message was thrown away before it was decoded.
package enum MessageRefusal: Hashable, Sendable {
    case unknownRoutingID
    case missingHeader
    case tooManyFrames
    case tooManyBytes
    case tooManyPeers
    /// A frame that begins as a note between transports does, and is none.
    case unknownNote
    /// What the sender lent could not be read, or was no longer lent.
    case unreadableLoan
}

extension ZeroMQSocket {
    /// Frames up to this size are copied: libzmq leaves them inside its receive buffer, where they
    /// lie on any address and keep the whole buffer.
    private static let receiveBufferByteCount = 8_192

    /// Reads one message, if one waits; a message beyond the limits is read to its end, each part
    /// freed at once.
    func receive(kind: Kind, limits: TransportLimits) -> Reception {
        var part = ReceivedPart()
        guard part.receive(from: self) else { return .nothing }
        var routingID: RoutingID?
        if kind == .router {
            routingID = RoutingID(part.bytes)
            guard routingID != nil else { return discard(after: part, .unknownRoutingID) }
            guard let header = part.next(from: self) else { return .refused(.missingHeader) }
            part = header
        }
        var loan: IncomingMessage.Loan?
        if DirectReadingNote.begins(part.bytes) {
            guard let note = DirectReadingNote(part.bytes) else {
                return discard(after: part, .unknownNote)
            }
            guard case .lent(let number, let places) = note else {
                guard part.isLast else { return discard(after: part, .unknownNote) }
                return .note(
                    IncomingNote(
                        routingID: routingID, note: note,
                        connectionDescriptor: part.connectionDescriptor))
            }
            if let refusal = refusal(of: places, limits) { return discard(after: part, refusal) }
            guard let header = part.next(from: self) else { return .refused(.missingHeader) }
            loan = IncomingMessage.Loan(number: number, places: places)
            part = header
        }
        let header = part
        var byteCount = header.bytes.count + (loan?.byteCount ?? 0)
        var payload: [Frame] = []
        while let next = part.next(from: self) {
            part = next
            byteCount += next.bytes.count
            guard payload.count < limits.payloadFrameCount else {
                return discard(after: part, .tooManyFrames)
            }
            guard byteCount <= limits.messageByteCount else {
                return discard(after: part, .tooManyBytes)
            }
            payload.append(ZeroMQSocket.frame(next))
        }
        return .message(
            IncomingMessage(
                routingID: routingID, header: header, payload: payload, loan: loan,
                connectionDescriptor: header.connectionDescriptor))
    }

    /// Why a message is refused whose frames lie in these places.
    private func refusal(
        of places: [DirectReadingNote.Place], _ limits: TransportLimits
    ) -> MessageRefusal? {
        guard places.count <= limits.payloadFrameCount else { return .tooManyFrames }
        var byteCount = 0
        for case .inMemory(_, let count) in places {
            // Each is below the limit before it is added, so that the sum cannot overflow.
            guard count <= limits.frameByteCount else { return .tooManyBytes }
            byteCount += count
            guard byteCount <= limits.messageByteCount else { return .tooManyBytes }
        }
        return nil
    }

    private func discard(after part: ReceivedPart, _ refusal: MessageRefusal) -> Reception {
        while !part.isLast { _ = part.receive(from: self) }
        return .refused(refusal)
    }

    private static func frame(_ part: ReceivedPart) -> Frame {
        if part.bytes.count <= receiveBufferByteCount { return Frame(copying: part.bytes) }
        let owner = Unmanaged.passRetained(part)
        // Sendable: the frame is the part's only user, and releases it once.
        nonisolated(unsafe) let retained = owner
        return Frame(adopting: part.bytes) { retained.release() }
    }
}

extension IncomingMessage.Loan {
    fileprivate var byteCount: Int {
        places.reduce(0) { sum, place in
            if case .inMemory(_, let count) = place { sum + count } else { sum }
        }
    }
}

extension ReceivedPart {
    /// The next part of the same message; nil after the last.
    fileprivate func next(from socket: ZeroMQSocket) -> ReceivedPart? {
        guard !isLast else { return nil }
        let part = ReceivedPart()
        let received = part.receive(from: socket)
        precondition(received, "libzmq delivered half a message")
        return part
    }
}

extension Link.Outcome {
    var turns: Int { if case .message(let message) = self { message.turns } else { 1 } }
}

extension Listener.Outcome {
    var turns: Int { if case .message(let message, _) = self { message.turns } else { 1 } }
}
