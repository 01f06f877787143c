import Glibc

/// The Unix-domain address that goes with a TCP endpoint, for processes of the same host.
///
/// It lies in Linux's abstract namespace: no file, no left-overs, and seen only from the same network
/// namespace, as the loopback interface is. Whoever listens takes both addresses or none.
package struct LocalAddress: Equatable, CustomStringConvertible {
    private let name: String

    /// Of a listener at this endpoint, with the port the system chose.
    package init(ofListenerAt endpoint: Endpoint) {
        name = "emend-\(endpoint.host):\(endpoint.port)"
    }

    /// The address of the listener that a loopback endpoint leads to; nil where there is none, as
    /// where the port is one end of a tunnel to another machine.
    init?(reaching endpoint: Endpoint) {
        guard endpoint.isLoopback else { return nil }
        let host = endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host
        let candidates = [host, "0.0.0.0", "::"].map {
            LocalAddress(ofListenerAt: Endpoint(host: $0, port: endpoint.port))
        }
        guard let found = candidates.first(where: \.isTaken) else { return nil }
        self = found
    }

    /// As libzmq takes it.
    package var description: String { "ipc://@" + name }

    /// Whether somebody listens: asked of the system, without a byte to the listener.
    private var isTaken: Bool {
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(AF_UNIX, Int32(kind), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = [0] + Array(name.utf8)
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = MemoryLayout<sa_family_t>.size + bytes.count
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(length))
            }
        }
        // EAGAIN: it has more connections waiting than it takes.
        return result == 0 || errno == EAGAIN
    }
}
