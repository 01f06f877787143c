import CZeroMQ
import Foundation
import Glibc
import TrainingProtocol
import Transport
import WireFormat

/// A peer that follows no rules: a bare DEALER socket.
final class RawDealer {
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer

    init(to endpoint: Endpoint, routingID: [UInt8], highWaterMark: Int32 = 1_000) {
        context = zmq_ctx_new()
        socket = zmq_socket(context, ZMQ_DEALER)
        var zero: Int32 = 0
        zmq_setsockopt(socket, ZMQ_LINGER, &zero, 4)
        var mark = highWaterMark
        zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, 4)
        zmq_setsockopt(socket, ZMQ_ROUTING_ID, routingID, routingID.count)
        zmq_connect(socket, endpoint.description)
    }

    /// The routing id of a process's first connection.
    static func routingID(of incarnation: Incarnation, connection: UInt64 = 1) -> [UInt8] {
        [UInt8(ascii: "E")]
            + [incarnation.high, incarnation.low, connection].flatMap { word in
                withUnsafeBytes(of: word.bigEndian) { Array($0) }
            }
    }

    func send(_ parts: [[UInt8]]) {
        for (index, part) in parts.enumerated() {
            zmq_send(socket, part, part.count, index == parts.count - 1 ? 0 : ZMQ_SNDMORE)
        }
    }

    func send(_ message: Message) {
        let encoded = WireCodec().encode(message)
        send([encoded.header] + encoded.payload.map { Array($0.bytes) })
    }

    /// The next message's parts, or nil when none comes within the time.
    func receive(milliseconds: Int32) -> [[UInt8]]? {
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

/// A TCP connection that speaks no ZMTP.
final class RawConnection {
    let descriptor: Int32

    init(to endpoint: Endpoint) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = endpoint.port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(result == 0, "connect: errno \(errno)")
    }

    func write(_ bytes: [UInt8]) {
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Shakes hands as a ZMTP 3.0 DEALER with this routing id, without security.
    func greet(as routingID: [UInt8]) {
        let mechanism = Array("NULL".utf8) + [UInt8](repeating: 0, count: 16)
        let signature: [UInt8] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f]
        write(signature + [3, 0] + mechanism + [UInt8](repeating: 0, count: 32))
        let ready =
            [5] + Array("READY".utf8) + property("Socket-Type", Array("DEALER".utf8))
            + property("Identity", routingID)
        write([0x04, UInt8(ready.count)] + ready)
        // Messages may follow once the other side is ready too: its greeting, then its command.
        _ = read(byteCount: 64)
        _ = read(byteCount: Int(read(byteCount: 2)[1]))
    }

    private func read(byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let count = recv(descriptor, &bytes, byteCount, Int32(MSG_WAITALL))
        precondition(count == byteCount, "\(count) of \(byteCount) bytes: errno \(errno)")
        return bytes
    }

    private func property(_ name: String, _ value: [UInt8]) -> [UInt8] {
        [UInt8(name.utf8.count)] + Array(name.utf8) + [0, 0, 0, UInt8(value.count)] + value
    }

    /// Sends a message of one frame of at most 255 bytes.
    func writeFrame(_ bytes: [UInt8]) {
        write([0, UInt8(bytes.count)] + bytes)
    }

    /// Whether the other side closes within the time; what it says before is thrown away.
    func closes(within milliseconds: Int32) -> Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var bytes = [UInt8](repeating: 0, count: 1_024)
        while poll(&poller, 1, milliseconds) > 0 {
            if recv(descriptor, &bytes, bytes.count, 0) <= 0 { return true }
        }
        return false
    }

    deinit {
        close(descriptor)
    }
}

/// The process's resident memory.
func residentByteCount() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * 4_096
}
