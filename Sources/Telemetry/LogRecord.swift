import Logging

/// How log lines look.
public enum LogFormat: String, Sendable, CaseIterable {
    case human
    /// One JSON object per line.
    case json
}

/// Which process speaks; every JSON line says so.
public struct LogIdentity: Sendable, Equatable {
    /// `coordinator`, `server`, `worker` or `emend`.
    public var role: String
    /// Distinguishes processes of one role.
    public var id: String
    /// Name of the machine.
    public var host: String
    /// Identity of the run; nil where the process belongs to none.
    public var runID: String?

    /// The identity as given; an empty `id` is left out of human lines.
    public init(role: String, id: String, host: String, runID: String? = nil) {
        self.role = role
        self.id = id
        self.host = host
        self.runID = runID
    }
}

/// One log message with everything that a line shows of it.
struct LogRecord {
    var time: WallClock
    var level: Logger.Level
    var message: String
    var error: String?
    var metadata: Logger.Metadata
    var identity: LogIdentity

    func line(_ format: LogFormat) -> String {
        switch format {
        case .human: humanLine
        case .json: jsonLine
        }
    }

    /// `16:05:12.123 warning worker 2: message key=value`; control characters are made visible, so
    /// that a peer's words cannot forge a line or drive the terminal.
    private var humanLine: String {
        var text = "\(time.timeText) \(level) \(identity.role)"
        if !identity.id.isEmpty { text += " \(identity.id)" }
        text += ": \(message)"
        for (key, value) in sortedMetadata { text += " \(key)=\(value.text)" }
        if let error { text += " error=\(error)" }
        return text.unicodeScalars.reduce(into: "") { line, scalar in
            if scalar.properties.generalCategory == .control {
                line += scalar.escaped(asASCII: true)
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
    }

    private var jsonLine: String {
        var fields: [JSONField] = [
            .init("ts", .string(time.text)), .init("level", .string(level.rawValue)),
            .init("msg", .string(message)), .init("role", .string(identity.role)),
            .init("id", .string(identity.id)), .init("host", .string(identity.host)),
        ]
        if let runID = identity.runID { fields.append(.init("run_id", .string(runID))) }
        if let error { fields.append(.init("error", .string(error))) }
        let taken = Set(fields.map(\.key))
        for (key, value) in sortedMetadata {
            fields.append(.init(taken.contains(key) ? "metadata_\(key)" : key, value))
        }
        return JSONValue.object(fields).text
    }

    private var sortedMetadata: [(key: String, value: JSONValue)] {
        metadata.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) }
    }
}

extension JSONValue {
    /// Metadata as JSON; whole numbers given as string or description become numbers.
    init(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .stringConvertible(let value as Int): self = .integer(value)
        case .stringConvertible(let value as Double): self = .number(value)
        case .stringConvertible(let value as Float): self = .number(Double(value))
        case .stringConvertible(let value as Bool): self = .boolean(value)
        case .stringConvertible(let value): self = .string(value.description)
        case .array(let values): self = .array(values.map(JSONValue.init))
        case .dictionary(let values):
            self = .object(
                values.sorted { $0.key < $1.key }.map { JSONField($0.key, JSONValue($0.value)) })
        }
    }
}
