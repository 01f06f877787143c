import CZeroMQ
import TrainingProtocol

/// A listening ROUTER socket and the peers that have written to it.
final class Listener {
    /// What the socket told about one peer.
    enum Outcome {
        case message(IncomingMessage, from: Incarnation)
        case refused(MessageRefusal)
        /// A note between the transports, which is no concern of the machine.
        case heeded
        /// The kernel forbids, with this errno value, to read the peer's memory.
        case unreadable(Incarnation, code: Int32)
        case lost(Incarnation)
    }

    private struct Route {
        let routingID: RoutingID
        var queue = OutgoingQueue()
        /// From the peer's offer on, where it is on this host.
        var reading: DirectReading?
        /// False from the end of the connection until the loss is told.
        var isOpen = true
    }

    let socket: ZeroMQSocket
    let monitor: SocketMonitor
    /// Where the socket listens, with the port the system chose.
    let endpoint: Endpoint
    private let limits: TransportLimits
    private var routes: [Incarnation: Route] = [:]
    /// Peers with queued messages, in the order they became full.
    private var waiting: [Incarnation] = []
    /// Peers that are to be told something about reading each other's memory.
    private var unnoted: [Incarnation] = []
    private var openDescriptors: Set<Int32> = []
    private var routingIDs: [Int32: RoutingID] = [:]
    /// Ended connections whose last messages may still wait in the socket.
    private var losses: [RoutingID] = []
    /// Messages that may still be read before the losses are told, however busy the socket is.
    private var messagesBeforeLoss = 0

    /// Throws `TransportError` where the endpoint cannot be bound or needs consent.
    init(
        _ endpoint: Endpoint, exposure: Exposure, name: String, limits: TransportLimits,
        context: MessagingContext
    ) throws(TransportError) {
        if exposure == .loopback && !endpoint.isLoopback {
            throw .exposedEndpoint(endpoint.description)
        }
        self.limits = limits
        socket = try ZeroMQSocket(.router, context: context)
        try socket.apply(limits)
        try socket.set(ZMQ_ROUTER_MANDATORY, 1)
        try socket.set(ZMQ_ROUTER_HANDOVER, 0)
        try socket.set(ZMQ_IPV6, endpoint.isIPv6 ? 1 : 0)
        monitor = try SocketMonitor(socket, name: name, context: context)
        guard zmq_bind(socket.handle, endpoint.bindAddress) == 0 else {
            throw Listener.bindError(zmq_errno(), endpoint)
        }
        self.endpoint = try Endpoint(parsing: socket.lastEndpoint())
        guard limits.localRoute == .unixSocket else { return }
        let local = LocalAddress(ofListenerAt: self.endpoint)
        guard zmq_bind(socket.handle, local.description) == 0 else {
            throw Listener.bindError(zmq_errno(), self.endpoint)
        }
    }

    private static func bindError(_ code: Int32, _ endpoint: Endpoint) -> TransportError {
        switch code {
        case EADDRINUSE: .addressInUse(endpoint.description)
        case EADDRNOTAVAIL, ENODEV: .addressUnavailable(endpoint.description)
        case EACCES, EPERM: .permissionDenied(endpoint.description)
        case EINVAL: .invalidEndpoint(endpoint.description)
        default: .system(operation: .bind, code: code)
        }
    }

    var hasInput: Bool { socket.hasInput || monitor.hasInput || !losses.isEmpty }

    /// Whether a peer has still to read what it was lent.
    var isLending: Bool { routes.values.contains { $0.reading?.isLending == true } }

    /// Whether messages wait for a peer that took no more.
    var hasWaitingMessages: Bool { !waiting.isEmpty || !unnoted.isEmpty }

    /// The next message or loss, or nil when all are told; a peer's last messages come before its
    /// loss.
    func next() -> Outcome? {
        readMonitor()
        if messagesBeforeLoss <= 0, let peer = nextLoss() { return .lost(peer) }
        messagesBeforeLoss -= 1
        switch socket.receive(kind: .router, limits: limits) {
        case .nothing: return nextLoss().map { .lost($0) }
        case .refused(let refusal): return .refused(refusal)
        case .note(let note): return heed(note)
        case .message(let message): return accept(message)
        }
    }

    private func nextLoss() -> Incarnation? {
        while !losses.isEmpty {
            let routingID = losses.removeFirst()
            let peer = routingID.incarnation
            // Not a loss where the peer has come back by a newer connection.
            guard routes[peer]?.routingID == routingID else { continue }
            routes[peer] = nil
            return peer
        }
        return nil
    }

    private func accept(_ message: IncomingMessage) -> Outcome {
        guard let peer = route(to: message.routingID, on: message.connectionDescriptor) else {
            return .refused(.tooManyPeers)
        }
        guard let loan = message.loan else { return .message(message, from: peer) }
        defer { remember(peer) }
        guard let reading = reading(of: message.routingID),
            let whole = reading.complete(message, loan)
        else { return .refused(.unreadableLoan) }
        return .message(whole, from: peer)
    }

    /// What was agreed on this connection; nil for one that the peer has replaced, whose loans ended
    /// with it.
    private func reading(of routingID: RoutingID?) -> DirectReading? {
        guard let routingID, let route = routes[routingID.incarnation],
            route.routingID == routingID
        else { return nil }
        return route.reading
    }

    private func heed(_ incoming: IncomingNote) -> Outcome {
        guard let peer = route(to: incoming.routingID, on: incoming.connectionDescriptor) else {
            return .refused(.tooManyPeers)
        }
        guard routes[peer]?.routingID == incoming.routingID else { return .heeded }
        defer { remember(peer) }
        if let reading = routes[peer]?.reading {
            return reading.heed(incoming).map { .unreadable(peer, code: $0) } ?? .heeded
        }
        guard case .offer = incoming.note, limits.localRoute == .unixSocket else { return .heeded }
        let reading = DirectReading(limits: limits)
        if let code = reading.heed(incoming) { return .unreadable(peer, code: code) }
        if reading.canRead { routes[peer]?.reading = reading }
        return .heeded
    }

    /// That the peer is to be told something, if it is.
    private func remember(_ peer: Incarnation) {
        guard routes[peer]?.reading?.hasNotes == true, !unnoted.contains(peer) else { return }
        unnoted.append(peer)
    }

    /// Whose connection it is, and that it is open; nil where there are too many.
    private func route(to routingID: RoutingID?, on descriptor: Int32) -> Incarnation? {
        guard let routingID else { preconditionFailure("a ROUTER's message has no routing id") }
        let peer = routingID.incarnation
        if let route = routes[peer] {
            if route.routingID.connection < routingID.connection {
                // The peer came back before its old connection was seen to end.
                waiting.removeAll { $0 == peer }
                routes[peer] = Route(routingID: routingID)
            }
        } else if routes.count < limits.peerCount {
            routes[peer] = Route(routingID: routingID)
        } else {
            return nil
        }
        note(routingID, on: descriptor)
        return peer
    }

    /// Remembers which descriptor carries the peer, to know it when the connection ends.
    ///
    /// A descriptor's end is told before the system can give its number to another connection. So
    /// once the monitor has been read, what it said about this number is about this connection.
    private func note(_ routingID: RoutingID, on descriptor: Int32) {
        guard descriptor >= 0, routingIDs[descriptor] != routingID else { return }
        readMonitor()
        if openDescriptors.contains(descriptor) {
            routingIDs[descriptor] = routingID
        } else {
            lose(routingID)
        }
    }

    private func readMonitor() {
        while let change = monitor.next() {
            switch change {
            case .accepted(let descriptor):
                openDescriptors.insert(descriptor)
            case .disconnected(let descriptor):
                openDescriptors.remove(descriptor)
                if let routingID = routingIDs.removeValue(forKey: descriptor) { lose(routingID) }
            case .connected:
                break
            }
        }
    }

    private func lose(_ routingID: RoutingID) {
        let peer = routingID.incarnation
        guard let route = routes[peer], route.isOpen, route.routingID == routingID else { return }
        // Its last messages may have been lent.
        routes[peer] = Route(routingID: routingID, reading: route.reading, isOpen: false)
        waiting.removeAll { $0 == peer }
        if losses.isEmpty {
            messagesBeforeLoss = 2 * Int(limits.highWaterMark) * (routes.count + 1)
        }
        losses.append(routingID)
    }

    /// Sends or queues; what cannot be queued is lost, and the result says why.
    func send(_ message: OutgoingMessage, to peer: Incarnation) -> SendFailure? {
        guard let route = routes[peer], route.isOpen else { return .unreachable }
        if route.queue.isEmpty {
            switch message.send(on: socket, to: route.routingID.bytes, reading: route.reading) {
            case .sent: return nil
            case .full: waiting.append(peer)
            case .unreachable:
                lose(route.routingID)
                return .unreachable
            }
        }
        let queued = routes[peer]?.queue.append(message, limits: limits)
        return queued == true ? nil : .queueFull
    }

    /// Sends what waits, as far as the peers take it.
    func flush() {
        sendNotes()
        for peer in waiting {
            guard let routingID = routes[peer]?.routingID else { continue }
            sending: while let message = routes[peer]?.queue.first {
                let reading = routes[peer]?.reading
                switch message.send(on: socket, to: routingID.bytes, reading: reading) {
                case .sent: routes[peer]?.queue.removeFirst()
                case .full: break sending
                case .unreachable:
                    lose(routingID)
                    break sending
                }
            }
        }
        waiting.removeAll { routes[$0]?.queue.isEmpty ?? true }
    }

    private func sendNotes() {
        for peer in unnoted {
            guard let route = routes[peer], route.isOpen else { continue }
            let result = route.reading?.tell {
                $0.send(on: socket, to: route.routingID.bytes, reading: nil)
            }
            if result == .unreachable { lose(route.routingID) }
        }
        unnoted.removeAll { peer in
            guard let route = routes[peer], route.isOpen else { return true }
            return route.reading?.hasNotes != true
        }
    }
}

/// Why a message did not leave; the protocol's acknowledgements and timers make up for it.
public enum SendFailure: Hashable, Sendable {
    /// No connection to the peer.
    case unreachable
    /// The peer takes its messages too slowly: its queue has reached its bound.
    case queueFull
}
