import Glibc

/// A configuration together with where each of its values comes from.
public struct ResolvedConfiguration: Sendable {
    /// Every value, defaults included.
    public private(set) var configuration = Configuration()
    private var originByKey: [String: ConfigurationOrigin] = [:]

    /// Reads a file, if one is given, then applies `key.path=value` overrides, and checks the
    /// result.
    ///
    /// Precedence: defaults < file < overrides, the last override of a key wins.
    /// - Throws: `ConfigurationError` listing every problem.
    public init(file path: String?, overrides: [String]) throws(ConfigurationError) {
        let yaml: String? = if let path { try Self.contents(of: path) } else { nil }
        try self.init(yaml: yaml, path: path ?? "", overrides: overrides)
    }

    /// As `init(file:overrides:)`, with the file's text; `path` is for messages.
    public init(yaml: String?, path: String, overrides: [String]) throws(ConfigurationError) {
        var problems: [String] = []
        if let yaml {
            let source = ConfigurationSource(yaml: yaml, path: path)
            problems = source.problems
            for assignment in source.assignments { apply(assignment, &problems) }
        }
        for text in overrides { apply(override: text, &problems) }
        followBackbone()
        if problems.isEmpty { problems = configuration.problems }
        guard problems.isEmpty else { throw ConfigurationError(problems) }
    }

    /// Where the value of `key` comes from.
    public func origin(of key: String) -> ConfigurationOrigin {
        originByKey[key] ?? .standard
    }

    /// Gives the key whose default is another one for each backbone that default.
    private mutating func followBackbone() {
        guard origin(of: "network.backboneDecay") == .standard else { return }
        configuration.network.backboneDecay = configuration.network.backbone.decay
    }

    private mutating func apply(override text: String, _ problems: inout [String]) {
        guard let separator = text.firstIndex(of: "="), separator != text.startIndex else {
            problems.append("command line: expected key.path=value, found \"\(text)\"")
            return
        }
        let key = String(text[..<separator]).trimmingSpaces()
        let valueText = String(text[text.index(after: separator)...])
        guard let value = ConfigurationValue(override: valueText) else {
            problems.append(
                "command line: \(key): expected a value such as 3, true, [1,2] or null, "
                    + "found \"\(valueText)\"")
            return
        }
        apply(Assignment(key: key, value: value, origin: .override), &problems)
    }

    private mutating func apply(_ assignment: Assignment, _ problems: inout [String]) {
        let (key, value, origin) = (assignment.key, assignment.value, assignment.origin)
        guard let field = ConfigurationField.all.first(where: { $0.key == key }) else {
            problems.append("\(origin): \(Self.unknown(key))")
            return
        }
        guard field.write(&configuration, value) else {
            problems.append("\(origin): \(key): expected \(field.expected), found \(value)")
            return
        }
        originByKey[key] = origin
    }

    private static func unknown(_ key: String) -> String {
        let keys = ConfigurationField.all.map(\.key)
        let members = keys.filter { $0.hasPrefix(key + ".") }
        if !members.isEmpty {
            return "\(key) is a section; set one of \(members.joined(separator: ", "))"
        }
        if let nearest = Suggestion.nearest(to: key, among: keys) {
            return "unknown key \(key); did you mean \(nearest)?"
        }
        return "unknown key \(key); `emend config show` lists the keys"
    }

    private static func contents(of path: String) throws(ConfigurationError) -> String {
        let maximumByteCount = 1 << 20
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ConfigurationError(
                ["\(path): cannot be opened: \(String(cString: strerror(errno)))"],
                exitCode: .inputMissing)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw ConfigurationError(
                    ["\(path): cannot be read: \(String(cString: strerror(errno)))"],
                    exitCode: .inputMissing)
            }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= maximumByteCount else {
                throw ConfigurationError(["\(path): larger than \(maximumByteCount) bytes"])
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(["\(path): not UTF-8 text"])
        }
        return text
    }
}
