import Glibc
import Transport

/// A TCP connection that speaks no ZMTP.
package final class RawConnection {
    private let descriptor: Int32

    package init(to endpoint: Endpoint) {
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

    package func write(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Shakes hands as a ZMTP 3.0 DEALER with this routing id, without security.
    package func greet(as routingID: [UInt8]) {
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
    package func writeFrame(_ bytes: [UInt8]) {
        write([0, UInt8(bytes.count)] + bytes)
    }

    /// Whether the other side closes within the time; what it says before is thrown away.
    package func closes(within milliseconds: Int32) -> Bool {
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
