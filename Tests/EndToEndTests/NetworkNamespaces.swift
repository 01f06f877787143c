import Foundation
import Testing

/// Network namespaces on one bridge, and packets dropped between them; needs root and the kernel's
/// consent.
final class NetworkNamespaces {
    /// Why there are none here; nil where there are.
    static let absence: String? = {
        do {
            let namespaces = try NetworkNamespaces(count: 2)
            try namespaces.drop(from: 0, to: 1)
            try namespaces.heal()
            return nil
        } catch {
            return "\(error)"
        }
    }()

    private let prefix = "emend-\(UUID().uuidString.prefix(6))-"
    private let count: Int
    private var hub: String { prefix + "hub" }

    init(count: Int) throws {
        self.count = count
        try Self.shell(["ip", "netns", "add", hub])
        try Self.shell(["ip", "-n", hub, "link", "add", "bridge", "type", "bridge"])
        try Self.shell(["ip", "-n", hub, "link", "set", "bridge", "up"])
        for host in 0..<count { try add(host) }
    }

    private func add(_ host: Int) throws {
        let name = name(host)
        try Self.shell(["ip", "netns", "add", name])
        try Self.shell(["ip", "-n", name, "link", "set", "lo", "up"])
        try Self.shell([
            "ip", "-n", name, "link", "add", "eth", "type", "veth", "peer", "name", "port\(host)",
            "netns", hub,
        ])
        try Self.shell(["ip", "-n", name, "address", "add", address(host) + "/24", "dev", "eth"])
        try Self.shell(["ip", "-n", name, "link", "set", "eth", "up"])
        try Self.shell(["ip", "-n", hub, "link", "set", "port\(host)", "master", "bridge", "up"])
        try Self.shell(["ip", "netns", "exec", name, "nft", "add", "table", "inet", "cut"])
        try Self.shell([
            "ip", "netns", "exec", name, "nft",
            "add chain inet cut arriving { type filter hook input priority 0; }",
        ])
    }

    deinit {
        for name in (0..<count).map(name) + [hub] {
            try? Self.shell(["ip", "netns", "del", name])
        }
    }

    private func name(_ host: Int) -> String { prefix + "\(host)" }

    private func address(_ host: Int) -> String { "10.77.0.\(host + 1)" }

    subscript(host: Int) -> HandStartedCluster.Host {
        HandStartedCluster.Host(
            command: ["ip", "netns", "exec", name(host)], address: address(host))
    }

    /// Drops what `sender` sends to `receiver` from now on.
    func drop(from sender: Int, to receiver: Int) throws {
        try Self.shell([
            "ip", "netns", "exec", name(receiver), "nft",
            "add rule inet cut arriving ip saddr \(address(sender)) drop",
        ])
    }

    /// Lets everything pass again.
    func heal() throws {
        for host in 0..<count {
            try Self.shell([
                "ip", "netns", "exec", name(host), "nft", "flush", "chain", "inet", "cut",
                "arriving",
            ])
        }
    }

    private static func shell(_ words: [String]) throws {
        let ended = try RunningProgram(URL(fileURLWithPath: "/usr/bin/env"), words)
            .end(withinSeconds: 20)
        guard ended.code == 0 else {
            throw RunningProgram.Overdue(
                description: "`\(words.joined(separator: " "))`: \(ended.errors)")
        }
    }
}
