import CZeroMQ
import Glibc
import TrainingProtocol
import Transport
import WireFormat

/// A peer that follows no rules: a bare DEALER socket.
package final class RawDealer {
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer
    private let codec = WireCodec()

    package convenience init(
        to endpoint: Endpoint, routingID: [UInt8], highWaterMark: Int32 = 1_000
    ) {
        self.init(
            toAddress: endpoint.description, routingID: routingID, highWaterMark: highWaterMark)
    }

    /// Connects to any address that libzmq takes.
    package init(toAddress address: String, routingID: [UInt8], highWaterMark: Int32 = 1_000) {
        context = zmq_ctx_new()
        socket = zmq_socket(context, ZMQ_DEALER)
        var zero: Int32 = 0
        zmq_setsockopt(socket, ZMQ_LINGER, &zero, 4)
        var mark = highWaterMark
        zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, 4)
        zmq_setsockopt(socket, ZMQ_ROUTING_ID, routingID, routingID.count)
        zmq_connect(socket, address)
    }

    /// The routing id of a process's first connection.
    package static func routingID(of incarnation: Incarnation, connection: UInt64 = 1) -> [UInt8] {
        [UInt8(ascii: "E")]
            + [incarnation.high, incarnation.low, connection].flatMap { word in
                withUnsafeBytes(of: word.bigEndian) { Array($0) }
            }
    }

    package func send(_ parts: [[UInt8]]) {
        for (index, part) in parts.enumerated() {
            zmq_send(socket, part, part.count, index == parts.count - 1 ? 0 : ZMQ_SNDMORE)
        }
    }

    package func send(_ message: Message) {
        let encoded = codec.encode(message)
        send([encoded.header] + encoded.payload.map { Array($0.bytes) })
    }

    /// The next message's parts, or nil when none comes within the time.
    package func receive(milliseconds: Int32) -> [[UInt8]]? {
        var timeout = milliseconds
        zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, 4)
        var parts: [[UInt8]] = []
        var more: Int32 = 1
        while more != 0 {
            var message = zmq_msg_t()
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            guard zmq_msg_recv(&message, socket, 0) >= 0 else { return nil }
            parts.append(
                Array(
                    UnsafeRawBufferPointer(
                        start: zmq_msg_data(&message), count: zmq_msg_size(&message))))
            more = zmq_msg_more(&message)
        }
        return parts
    }

    deinit {
        zmq_close(socket)
        zmq_ctx_term(context)
    }
}
