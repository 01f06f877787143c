/// A TCP address to listen on or to connect to.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name, an IPv4 address, an IPv6 address without brackets, or `*` for all interfaces.
    public let host: String
    /// 0 asks for any free port.
    public let port: UInt16

    /// The address as given; only `init(parsing:)` checks what a user wrote.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `tcp://host:port` or `host:port`; an IPv6 address stands in brackets, and `*` as a
    /// port means 0.
    ///
    /// Throws `TransportError.invalidEndpoint`.
    public init(parsing text: String) throws(TransportError) {
        let scheme = "tcp://"
        let address = text.hasPrefix(scheme) ? text.dropFirst(scheme.count) : Substring(text)
        guard let colon = address.lastIndex(of: ":") else {
            throw TransportError.invalidEndpoint(text)
        }
        var host = address[..<colon]
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if bracketed { host = host.dropFirst().dropLast() }
        let portText = address[address.index(after: colon)...]
        let port = portText == "*" ? 0 : Endpoint.decimalPort(portText)
        let allowed = host.utf8.allSatisfy { Endpoint.isHostByte($0, bracketed: bracketed) }
        guard let port, !host.isEmpty, host.utf8.count <= 253, allowed else {
            throw TransportError.invalidEndpoint(text)
        }
        self.init(host: String(host), port: port)
    }

    private static func decimalPort(_ text: Substring) -> UInt16? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard text.utf8.allSatisfy(digits.contains) else { return nil }
        return UInt16(text)
    }

    private static func isHostByte(_ byte: UInt8, bracketed: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "*"):
            true
        case UInt8(ascii: ":"), UInt8(ascii: "%"):
            bracketed
        default:
            false
        }
    }

    /// Whether only processes of this machine can reach the endpoint.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127"
            && octets.allSatisfy { UInt8($0) != nil }
    }

    var isIPv6: Bool { host.contains(":") }

    /// `tcp://host:port`, an IPv6 address in brackets.
    public var description: String {
        "tcp://\(isIPv6 ? "[\(host)]" : host):\(port)"
    }

    /// The form libzmq binds to: it takes `*` for any free port and resolves no names here.
    var bindAddress: String {
        let numericHost = host == "localhost" ? "127.0.0.1" : (isIPv6 ? "[\(host)]" : host)
        return "tcp://\(numericHost):\(port == 0 ? "*" : String(port))"
    }
}

/// Who may reach a listening socket.
public enum Exposure: Sendable {
    /// Processes of this machine only; any other address is refused.
    case loopback
    /// Anyone who can reach the address, without encryption or authentication.
    case insecure
}
