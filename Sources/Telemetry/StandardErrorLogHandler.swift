import Logging

/// Writes each message as one line to the terminal or file behind `TerminalOutput`.
public struct StandardErrorLogHandler: LogHandler {
    /// The lowest level that is written.
    public var logLevel: Logger.Level
    /// Values that every line of this handler shows.
    public var metadata: Logger.Metadata = [:]
    /// Values asked for anew at each line; they win over `metadata`.
    public var metadataProvider: Logger.MetadataProvider?
    private let format: LogFormat
    private let identity: LogIdentity
    private let output: TerminalOutput

    /// - Parameter output: shared with the progress line, so that the two never mix.
    public init(
        _ format: LogFormat, identity: LogIdentity, output: TerminalOutput,
        level: Logger.Level = .info
    ) {
        self.format = format
        self.identity = identity
        self.output = output
        logLevel = level
    }

    /// The value of `metadata` under `key`; nil where it has none.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes the message as one line; its own metadata wins over all other.
    public func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        let record = LogRecord(
            time: .now, level: event.level, message: event.message.description,
            error: event.error.map { "\($0)" }, metadata: all, identity: identity)
        output.write(line: record.line(format))
    }
}
