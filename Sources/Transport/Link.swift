import CZeroMQ
import TrainingProtocol

/// An outgoing connection to one peer: a DEALER socket that reconnects by itself.
final class Link {
    enum Outcome {
        case message(IncomingMessage)
        case refused(MessageRefusal)
        /// A note between the transports, which is no concern of the machine.
        case heeded
        /// The kernel forbids, with this errno value, to read the peer's memory.
        case unreadable(code: Int32)
        case lost
    }

    private enum State {
        case connecting, connected
        /// The connection ended; its last messages may still wait in the socket.
        case ended
    }

    let socket: ZeroMQSocket
    let monitor: SocketMonitor
    let endpoint: Endpoint
    private let limits: TransportLimits
    private let incarnation: Incarnation
    private var state = State.connecting
    private var connectionCount: UInt64 = 0
    private var connectedAddress = ""
    private var queue = OutgoingQueue()
    /// Nil where the peer is not on this host.
    private var reading: DirectReading?

    init(
        _ endpoint: Endpoint, from incarnation: Incarnation, name: String,
        limits: TransportLimits, context: MessagingContext
    ) throws(TransportError) {
        self.endpoint = endpoint
        self.limits = limits
        self.incarnation = incarnation
        socket = try ZeroMQSocket(.dealer, context: context)
        try socket.apply(limits)
        // Messages wait in our queue, bounded in bytes, until there is a connection.
        try socket.set(ZMQ_IMMEDIATE, 1)
        try socket.set(ZMQ_IPV6, endpoint.isIPv6 ? 1 : 0)
        monitor = try SocketMonitor(socket, name: name, context: context)
        try connect()
    }

    /// Connects under a name that no connection had before; see `RoutingID`.
    private func connect() throws(TransportError) {
        connectionCount += 1
        let name = RoutingID(incarnation: incarnation, connection: connectionCount)
        try socket.setRoutingID(name.bytes)
        let local = limits.localRoute == .unixSocket ? LocalAddress(reaching: endpoint) : nil
        guard zmq_connect(socket.handle, local?.description ?? endpoint.description) == 0 else {
            throw zmq_errno() == EINVAL
                ? .invalidEndpoint(endpoint.description) : .last(.connect)
        }
        connectedAddress = try socket.lastEndpoint()
        reading = local == nil ? nil : DirectReading(limits: limits)
        state = .connecting
    }

    var hasInput: Bool { socket.hasInput || monitor.hasInput }

    var hasWaitingMessages: Bool {
        state == .connected && (!queue.isEmpty || reading?.hasNotes == true)
    }

    /// Whether the peer has still to read what it was lent.
    var isLending: Bool { reading?.isLending == true }

    /// The next message or loss, or nil when all are told; the last messages come before the loss.
    func next() throws(TransportError) -> Outcome? {
        while let change = monitor.next() {
            switch change {
            case .connected where state == .connecting: state = .connected
            case .disconnected where state == .connected: state = .ended
            case .connected, .disconnected, .accepted: break
            }
        }
        switch socket.receive(kind: .dealer, limits: limits) {
        case .nothing:
            guard state == .ended else { return nil }
            try reconnect()
            return .lost
        case .refused(let refusal): return .refused(refusal)
        case .note(let note):
            return reading?.heed(note).map { .unreadable(code: $0) } ?? .heeded
        case .message(let message): return accept(message)
        }
    }

    private func accept(_ message: IncomingMessage) -> Outcome {
        guard let loan = message.loan else { return .message(message) }
        guard let whole = reading?.complete(message, loan) else { return .refused(.unreadableLoan) }
        return .message(whole)
    }

    private func reconnect() throws(TransportError) {
        // Fails where libzmq has given the connection up by itself; either way it is gone.
        zmq_disconnect(socket.handle, connectedAddress)
        queue.removeAll()
        try connect()
    }

    /// Sends or queues; what cannot be queued is lost, and the result says why.
    func send(_ message: OutgoingMessage) -> SendFailure? {
        // Not before the hands are shaken: libzmq takes messages as soon as TCP is connected, and
        // loses them without a word where the handshake then fails.
        if state == .connected, queue.isEmpty,
            message.send(on: socket, to: nil, reading: reading) == .sent
        {
            return nil
        }
        return queue.append(message, limits: limits) ? nil : .queueFull
    }

    /// Sends what waits, as far as the peer takes it.
    func flush() {
        guard state == .connected else { return }
        _ = reading?.tell { $0.send(on: socket, to: nil, reading: nil) }
        while let message = queue.first,
            message.send(on: socket, to: nil, reading: reading) == .sent
        {
            queue.removeFirst()
        }
    }
}
