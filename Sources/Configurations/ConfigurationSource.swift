import Yams

/// Where a value of the resolved configuration comes from.
public enum ConfigurationOrigin: Sendable, Equatable, CustomStringConvertible {
    /// The paper's value.
    case standard
    case file(path: String, line: Int)
    /// `key.path=value` on the command line.
    case override

    /// As `emend config show` writes it.
    public var description: String {
        switch self {
        case .standard: "default"
        case .file(let path, let line): "\(path):\(line)"
        case .override: "command line"
        }
    }
}

/// A key and its value as stated somewhere.
struct Assignment {
    var key: String
    var value: ConfigurationValue
    var origin: ConfigurationOrigin
}

/// Reads assignments out of YAML; a problem is added to `problems`, and reading goes on.
struct ConfigurationSource {
    let path: String
    private(set) var assignments: [Assignment] = []
    private(set) var problems: [String] = []

    init(yaml: String, path: String) {
        self.path = path
        do {
            guard let root = try Yams.compose(yaml: yaml) else { return }
            if case .scalar(let scalar) = root, scalar.string.isEmpty { return }
            visit(root, key: "")
        } catch {
            problems.append("\(path): not YAML: \(error)")
        }
    }

    private mutating func visit(_ node: Node, key: String) {
        let line = node.mark?.line ?? 1
        switch node {
        case .mapping(let mapping):
            for (keyNode, value) in mapping {
                guard let name = keyNode.string else {
                    problems.append("\(path):\(line): a key that is not a word under \"\(key)\"")
                    continue
                }
                let path = key.isEmpty ? name : "\(key).\(name)"
                guard path.split(separator: ".").count <= 4 else {
                    problems.append("\(self.path):\(line): key \(path) is nested too deeply")
                    continue
                }
                visit(value, key: path)
            }
        case .scalar(let scalar):
            append(key, Self.value(of: scalar), line)
        case .sequence(let sequence):
            var elements: [ConfigurationValue] = []
            for element in sequence {
                guard case .scalar(let scalar) = element else {
                    problems.append("\(path):\(line): \(key): a list holds plain values only")
                    return
                }
                elements.append(Self.value(of: scalar))
            }
            append(key, .list(elements), line)
        case .alias:
            problems.append(
                "\(path):\(line): \(key): YAML aliases are not supported; write the value")
        }
    }

    private mutating func append(_ key: String, _ value: ConfigurationValue, _ line: Int) {
        guard !key.isEmpty else {
            problems.append("\(path):\(line): expected keys with values, found \(value)")
            return
        }
        assignments.append(
            Assignment(key: key, value: value, origin: .file(path: path, line: line)))
    }

    private static func value(of scalar: Node.Scalar) -> ConfigurationValue {
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        return scalar.string.isEmpty ? .null : ConfigurationValue(plain: scalar.string)
    }
}
