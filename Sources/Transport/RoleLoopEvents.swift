import TrainingProtocol
import WireFormat

/// What the loop counts, so that a flood of faults is not a flood of reports.
enum ObservationCount: Hashable {
    case refused(MessageRefusal), malformed, senderMismatch, dropped, unreadable
}

// How the loop turns what its sockets tell into events for the machine.
extension RoleLoop {
    func event(of outcome: Listener.Outcome) -> Event? {
        switch outcome {
        case .message(let message, let incarnation):
            return event(of: message, from: .member(incarnation))
        case .refused(let refusal):
            return refuse(refusal)
        case .heeded:
            return nil
        case .unreadable(let incarnation, let code):
            return unreadable(.member(incarnation), code)
        case .lost(let incarnation):
            return lost(.member(incarnation))
        }
    }

    func nextOutcome(of peer: Peer) -> Link.Outcome? {
        guard let link = links.first(where: { $0.peer == peer })?.link else { return nil }
        do {
            return try link.next()
        } catch {
            // The system refused to connect anew; the machine learns that the link is gone.
            links.removeAll { $0.peer == peer }
            observe(.unusableEndpoint(link.endpoint.description, of: peer, error))
            return .lost
        }
    }

    func event(of outcome: Link.Outcome, from peer: Peer) -> Event? {
        switch outcome {
        case .message(let message): return event(of: message, from: peer)
        case .refused(let refusal): return refuse(refusal)
        case .heeded: return nil
        case .unreadable(let code):
            return unreadable(peer, code)
        case .lost: return lost(peer)
        }
    }

    private func event(of incoming: IncomingMessage, from peer: Peer) -> Event? {
        let message: Message
        do {
            message = try codec.decode(header: incoming.header.bytes, payload: incoming.payload)
        } catch {
            let count = increment(.malformed)
            if isWorthReporting(count) {
                observe(.messageMalformed(error, from: peer, count: count))
            }
            return nil
        }
        guard isSender(message.header, peer) else {
            let count = increment(.senderMismatch)
            if isWorthReporting(count) { observe(.senderMismatch(from: peer, count: count)) }
            return nil
        }
        return .received(message, from: peer)
    }

    /// Whether the header's sender can be at the other end of the connection.
    private func isSender(_ header: Header, _ peer: Peer) -> Bool {
        switch peer {
        case .coordinator: header.role == .coordinator
        case .server: header.role == .server
        case .member(let incarnation): header.incarnation == incarnation
        }
    }

    private func refuse(_ refusal: MessageRefusal) -> Event? {
        let count = increment(.refused(refusal))
        if isWorthReporting(count) { observe(.messageRefused(refusal, count: count)) }
        return nil
    }

    /// Told once: what keeps one peer's memory closed keeps the others' closed.
    private func unreadable(_ peer: Peer, _ code: Int32) -> Event? {
        if increment(.unreadable) == 1 { observe(.memoryUnreadable(of: peer, code: code)) }
        return nil
    }

    private func lost(_ peer: Peer) -> Event {
        observe(.disconnected(peer))
        return .disconnected(peer)
    }

    func increment(_ key: ObservationCount) -> Int {
        counts[key, default: 0] += 1
        return counts[key, default: 0]
    }

    /// Whether `count` is a power of two: a flood is told at 1, 2, 4, 8 and so on.
    func isWorthReporting(_ count: Int) -> Bool { count & (count - 1) == 0 }
}
