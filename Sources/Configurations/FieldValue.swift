/// A type that a configuration key may have.
protocol FieldValue: Sendable, Equatable {
    /// What the key expects, for messages: "an integer".
    static var expected: String { get }
    /// Nil where the value is of another type.
    init?(_ value: ConfigurationValue)
    var configurationValue: ConfigurationValue { get }
}

extension Int: FieldValue {
    static var expected: String { "an integer" }
    init?(_ value: ConfigurationValue) {
        guard case .integer(let integer) = value else { return nil }
        self = integer
    }
    var configurationValue: ConfigurationValue { .integer(self) }
}

extension UInt64: FieldValue {
    static var expected: String { "an integer from 0 to \(Int.max)" }
    init?(_ value: ConfigurationValue) {
        guard case .integer(let integer) = value, integer >= 0 else { return nil }
        self = UInt64(integer)
    }
    var configurationValue: ConfigurationValue {
        precondition(self <= UInt64(Int.max), "seed \(self) exceeds \(Int.max)")
        return .integer(Int(self))
    }
}

extension Double: FieldValue {
    static var expected: String { "a number" }
    init?(_ value: ConfigurationValue) {
        switch value {
        case .integer(let integer): self = Double(integer)
        case .number(let number): self = number
        default: return nil
        }
    }
    var configurationValue: ConfigurationValue { .number(self) }
}

extension Bool: FieldValue {
    static var expected: String { "true or false" }
    init?(_ value: ConfigurationValue) {
        guard case .boolean(let boolean) = value else { return nil }
        self = boolean
    }
    var configurationValue: ConfigurationValue { .boolean(self) }
}

extension String: FieldValue {
    static var expected: String { "a string (quoted if it looks like a number)" }
    init?(_ value: ConfigurationValue) {
        guard case .string(let string) = value else { return nil }
        self = string
    }
    var configurationValue: ConfigurationValue { .string(self) }
}

extension Array: FieldValue where Element: FieldValue {
    static var expected: String { "a list, each element \(Element.expected)" }
    init?(_ value: ConfigurationValue) {
        guard case .list(let values) = value else { return nil }
        let elements = values.compactMap(Element.init(_:))
        guard elements.count == values.count else { return nil }
        self = elements
    }
    var configurationValue: ConfigurationValue { .list(map(\.configurationValue)) }
}

extension Optional: FieldValue where Wrapped: FieldValue {
    static var expected: String { "\(Wrapped.expected) or null" }
    init?(_ value: ConfigurationValue) {
        if value == .null {
            self = .none
        } else {
            guard let wrapped = Wrapped(value) else { return nil }
            self = .some(wrapped)
        }
    }
    var configurationValue: ConfigurationValue { self?.configurationValue ?? .null }
}

/// A key with a closed set of words.
protocol FieldChoice: FieldValue, RawRepresentable, CaseIterable where RawValue == String {}

extension FieldChoice {
    static var expected: String { "one of " + allCases.map(\.rawValue).joined(separator: ", ") }
    init?(_ value: ConfigurationValue) {
        guard case .string(let word) = value else { return nil }
        self.init(rawValue: word)
    }
    var configurationValue: ConfigurationValue { .string(rawValue) }
}

extension Configuration.Method: FieldChoice {}
extension Configuration.Network.Backbone: FieldChoice {}
extension Configuration.Ancillary.BoxResize: FieldChoice {}
extension Configuration.Network.HeadInitialisation: FieldChoice {}
extension Configuration.Network.UnreachableTaps: FieldChoice {}
extension Configuration.Optimizer.Rule: FieldChoice {}
extension Configuration.Gradients.BadSlot: FieldChoice {}
extension Configuration.Gradients.Format: FieldChoice {}
extension Configuration.DataSet.Format: FieldChoice {}
extension Configuration.DataSet.Pool: FieldChoice {}
extension Configuration.DataSet.BadFile: FieldChoice {}
extension Configuration.Precision: FieldChoice {}
extension Configuration.Engine.Products: FieldChoice {}
extension Configuration.Numerics.Admission: FieldChoice {}
