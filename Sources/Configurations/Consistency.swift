/// Which version of the parameters a step reads: `sync` or `lag:k`.
///
/// Whichever it is, it is a function of the step alone, so that the bits never depend on timing.
public enum Consistency: Sendable, Equatable {
    /// The one that the step before made.
    case sync
    /// That of k commits before, but none before the step's phase began; k from 1 to `longestLag`.
    case lag(Int)

    /// The largest k.
    public static let longestLag = 8

    /// k; 0 for `sync`.
    public var lag: Int {
        switch self {
        case .sync: 0
        case .lag(let steps): steps
        }
    }
}

extension Consistency: RawRepresentable, Codable {
    /// As configurations hold it.
    public var rawValue: String {
        switch self {
        case .sync: "sync"
        case .lag(let steps): "lag:\(steps)"
        }
    }

    /// Nil unless `text` is what `rawValue` says of a possible value.
    public init?(rawValue text: String) {
        let values = [Consistency.sync] + (1...Self.longestLag).map { .lag($0) }
        guard let value = values.first(where: { $0.rawValue == text }) else { return nil }
        self = value
    }
}

extension Consistency: FieldValue {
    static var expected: String { "sync, or lag:k with k from 1 to \(longestLag), as in lag:1" }

    init?(_ value: ConfigurationValue) {
        guard case .string(let word) = value else { return nil }
        self.init(rawValue: word)
    }

    var configurationValue: ConfigurationValue { .string(rawValue) }
}
