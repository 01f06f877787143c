import CZeroMQ
import TrainingProtocol

/// The raw parts of a message that kept within the limits.
struct IncomingMessage {
    /// Who sent it, where a ROUTER received it.
    let routingID: RoutingID?
    let header: ReceivedPart
    let payload: [Frame]
    let connectionDescriptor: Int32
}

/// What reading one message came to.
enum Reception {
    case nothing
    case message(IncomingMessage)
    case refused(MessageRefusal)
}

/// Why a message was thrown away before it was decoded.
package enum MessageRefusal: Hashable, Sendable {
    case unknownRoutingID
    case missingHeader
    case tooManyFrames
    case tooManyBytes
    case tooManyPeers
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
        let header = part
        var byteCount = header.bytes.count
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
                routingID: routingID, header: header, payload: payload,
                connectionDescriptor: header.connectionDescriptor))
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
