import CZeroMQ
import Glibc

/// Reports the connections of one socket as they come and go.
final class SocketMonitor {
    enum Change: Equatable {
        /// A listening socket accepted a connection.
        case accepted(descriptor: Int32)
        /// A connecting socket and its peer have shaken hands.
        case connected
        /// A connection ended, whether or not it had shaken hands.
        case disconnected(descriptor: Int32)
    }

    private let monitored: ZeroMQSocket
    private let reader: ZeroMQSocket
    var fileDescriptor: Int32 { reader.fileDescriptor }
    var hasInput: Bool { reader.hasInput }

    /// `name` is unique among the monitors of the context.
    init(_ socket: ZeroMQSocket, name: String, context: MessagingContext) throws(TransportError) {
        let address = "inproc://monitor-\(name)"
        let events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
        guard zmq_socket_monitor(socket.handle, address, events) == 0 else {
            throw .last(.monitor)
        }
        monitored = socket
        reader = try ZeroMQSocket(.pair, context: context)
        // Unlimited: libzmq's thread, which also moves the data, would wait for a full reader.
        try reader.set(ZMQ_RCVHWM, 0)
        try reader.set(ZMQ_LINGER, 0)
        guard zmq_connect(reader.handle, address) == 0 else { throw .last(.monitor) }
    }

    deinit {
        zmq_socket_monitor(monitored.handle, nil, 0)
    }

    /// The next change, or nil when all are told.
    func next() -> Change? {
        while true {
            let event = ReceivedPart()
            guard event.receive(from: reader) else { return nil }
            if !event.isLast {
                let endpoint = ReceivedPart()
                _ = endpoint.receive(from: reader)
            }
            if let change = SocketMonitor.change(in: event.bytes) { return change }
        }
    }

    /// An event is 16 bits of kind and 32 bits of value in the machine's byte order.
    private static func change(in bytes: UnsafeRawBufferPointer) -> Change? {
        guard bytes.count == 6 else { return nil }
        let kind = Int32(bytes.loadUnaligned(fromByteOffset: 0, as: UInt16.self))
        let value = bytes.loadUnaligned(fromByteOffset: 2, as: Int32.self)
        switch kind {
        case ZMQ_EVENT_ACCEPTED: return .accepted(descriptor: value)
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .connected
        case ZMQ_EVENT_DISCONNECTED: return .disconnected(descriptor: value)
        default: return nil
        }
    }
}
