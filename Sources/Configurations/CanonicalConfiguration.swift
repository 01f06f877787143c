import Hashes

extension Configuration {
    /// The configuration as JSON on one line with sorted keys: equal configurations have equal
    /// bytes.
    public var canonicalJSON: String {
        ConfigurationTree(ConfigurationField.all.map { ($0.key, $0.read(self).description) }).json
    }

    /// SHA-256 of `canonicalJSON` in lower-case hexadecimal: the configuration hash of greetings,
    /// journals and checkpoints.
    public var sha256: String { SHA256.hash(canonicalJSON.utf8) }

    /// Reads what `canonicalJSON` wrote; keys that are absent have their defaults.
    /// - Throws: `ConfigurationError` listing every problem.
    public init(canonicalJSON: String) throws(ConfigurationError) {
        self = try ResolvedConfiguration(
            yaml: canonicalJSON, path: "configuration", overrides: []
        ).configuration
    }
}

/// Rendered values by dotted key, put back into sections.
struct ConfigurationTree {
    private let sections: [(name: String, content: Content)]

    private enum Content {
        case value(String)
        case section(ConfigurationTree)
    }

    init(_ values: [(key: String, text: String)]) {
        var order: [String] = []
        var members: [String: [(key: String, text: String)]] = [:]
        for (key, text) in values {
            let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
            if members[parts[0]] == nil { order.append(parts[0]) }
            members[parts[0], default: []].append((parts.count > 1 ? parts[1] : "", text))
        }
        sections = order.map { name in
            let inner = members[name]!
            return (
                name, inner[0].key.isEmpty ? .value(inner[0].text) : .section(.init(inner))
            )
        }
    }

    /// JSON on one line with sorted keys.
    var json: String {
        let members = sections.sorted { $0.name < $1.name }.map { name, content in
            switch content {
            case .value(let text): "\"\(name)\":\(text)"
            case .section(let tree): "\"\(name)\":\(tree.json)"
            }
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// YAML lines in the order given.
    func yamlLines(indentation: String = "") -> [String] {
        sections.flatMap { name, content in
            switch content {
            case .value(let text): ["\(indentation)\(name): \(text)"]
            case .section(let tree):
                ["\(indentation)\(name):"] + tree.yamlLines(indentation: indentation + "  ")
            }
        }
    }
}
