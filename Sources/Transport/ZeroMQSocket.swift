import CZeroMQ
import TrainingProtocol

/// One libzmq socket, used by one thread at a time and closed when released.
final class ZeroMQSocket {
    enum Kind {
        case router, dealer, pair

        var code: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .pair: ZMQ_PAIR
            }
        }
    }

    let handle: UnsafeMutableRawPointer
    /// Becomes readable when the socket may have changed; edge-triggered, see `hasInput`.
    let fileDescriptor: Int32
    private let context: MessagingContext

    init(_ kind: Kind, context: MessagingContext) throws(TransportError) {
        guard let handle = zmq_socket(context.handle, kind.code) else {
            throw .last(.createSocket)
        }
        self.handle = handle
        self.context = context
        var descriptor: Int32 = -1
        var byteCount = MemoryLayout<Int32>.size
        guard zmq_getsockopt(handle, ZMQ_FD, &descriptor, &byteCount) == 0 else {
            let error = TransportError.last(.readOption)
            zmq_close(handle)
            throw error
        }
        fileDescriptor = descriptor
    }

    deinit {
        zmq_close(handle)
    }

    /// Applies what reliability demands of every socket that talks to another process.
    func apply(_ limits: TransportLimits) throws(TransportError) {
        precondition(
            0...1_000 ~= limits.lingerMilliseconds,
            "linger of \(limits.lingerMilliseconds) ms, where 0 to 1,000 are allowed")
        precondition(limits.lentByteCount > 0, "lentByteCount of \(limits.lentByteCount)")
        try set(ZMQ_LINGER, limits.lingerMilliseconds)
        try set(ZMQ_SNDHWM, limits.highWaterMark)
        try set(ZMQ_RCVHWM, limits.highWaterMark)
        try set(ZMQ_HEARTBEAT_IVL, limits.heartbeatMilliseconds)
        try set(ZMQ_HEARTBEAT_TIMEOUT, limits.heartbeatTimeoutMilliseconds)
        try set(ZMQ_HEARTBEAT_TTL, limits.heartbeatTimeoutMilliseconds)
        try set(ZMQ_HANDSHAKE_IVL, limits.handshakeMilliseconds)
        try set(ZMQ_CONNECT_TIMEOUT, limits.connectMilliseconds)
        try set(ZMQ_RECONNECT_IVL, limits.reconnectMilliseconds)
        try set(ZMQ_RECONNECT_IVL_MAX, limits.reconnectMaximumMilliseconds)
        try set(ZMQ_TCP_MAXRT, limits.retransmissionMilliseconds)
        if let ioThread = limits.ioThread { try assign(toThread: ioThread) }
        var frameByteCount = limits.frameByteCount
        let result = zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &frameByteCount, 8)
        guard result == 0 else { throw .last(.setOption) }
    }

    func set(_ option: Int32, _ value: Int32) throws(TransportError) {
        var value = value
        guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw .last(.setOption)
        }
    }

    /// Lets this thread of the context, from 0, move the socket's bytes; before it binds or connects.
    func assign(toThread thread: Int) throws(TransportError) {
        var mask = UInt64(1) << UInt64(thread)
        guard zmq_setsockopt(handle, ZMQ_AFFINITY, &mask, 8) == 0 else {
            throw .last(.setOption)
        }
    }

    func setRoutingID(_ bytes: [UInt8]) throws(TransportError) {
        guard zmq_setsockopt(handle, ZMQ_ROUTING_ID, bytes, bytes.count) == 0 else {
            throw .last(.setOption)
        }
    }

    /// Whether a message waits.
    ///
    /// Asking also lets libzmq act on what its threads reported, which re-arms `fileDescriptor`;
    /// so ask before every wait.
    var hasInput: Bool {
        var events: Int32 = 0
        var byteCount = MemoryLayout<Int32>.size
        while zmq_getsockopt(handle, ZMQ_EVENTS, &events, &byteCount) != 0 {
            precondition(zmq_errno() == EINTR, "ZMQ_EVENTS: \(systemMessage(zmq_errno()))")
        }
        return events & Int32(ZMQ_POLLIN) != 0
    }

    /// The endpoint last bound or connected to, with the port the system chose.
    func lastEndpoint() throws(TransportError) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        var byteCount = bytes.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &bytes, &byteCount) == 0 else {
            throw .last(.readOption)
        }
        return String(decoding: bytes.prefix(byteCount).prefix { $0 != 0 }, as: UTF8.self)
    }
}
