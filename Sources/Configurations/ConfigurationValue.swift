/// A value as a configuration file or an override states it, before its key gives it a type.
public enum ConfigurationValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([ConfigurationValue])
}

extension ConfigurationValue {
    /// What an unquoted word means: null, true, false, an integer, a finite number, else a string.
    init(plain word: String) {
        switch word {
        case "null", "~": self = .null
        case "true": self = .boolean(true)
        case "false": self = .boolean(false)
        default:
            if let value = Int(word) {
                self = .integer(value)
            } else if word.first.map({ "+-.0123456789".contains($0) }) == true,
                let value = Double(word), value.isFinite
            {
                self = .number(value)
            } else {
                self = .string(word)
            }
        }
    }

    /// The value of `text` in `key.path=text`; nil where brackets or quotes do not match.
    init?(override text: String) {
        let text = text.trimmingSpaces()
        guard text.hasPrefix("[") else {
            self.init(scalar: text)
            return
        }
        guard text.hasSuffix("]"), text.count >= 2 else { return nil }
        let inner = text.dropFirst().dropLast()
        if String(inner).trimmingSpaces().isEmpty {
            self = .list([])
            return
        }
        var elements: [ConfigurationValue] = []
        for part in inner.split(separator: ",", omittingEmptySubsequences: false) {
            guard let element = ConfigurationValue(scalar: String(part).trimmingSpaces()) else {
                return nil
            }
            elements.append(element)
        }
        self = .list(elements)
    }

    private init?(scalar text: String) {
        guard let first = text.first else { return nil }
        guard first == "\"" || first == "'" else {
            guard first != "[", !text.hasSuffix("]") else { return nil }
            self.init(plain: text)
            return
        }
        guard text.count >= 2, text.last == first else { return nil }
        self = .string(String(text.dropFirst().dropLast()))
    }
}

extension ConfigurationValue: CustomStringConvertible {
    /// The value as JSON, which is YAML as well.
    public var description: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number(let value): Self.text(of: value)
        case .string(let value): Self.quoted(value)
        case .list(let values): "[" + values.map(\.description).joined(separator: ",") + "]"
        }
    }

    /// The shortest digits that read back to the same bits; whole numbers without a fraction.
    private static func text(of value: Double) -> String {
        precondition(value.isFinite, "a configuration holds finite numbers, not \(value)")
        if value == value.rounded(), abs(value) < 1e15, value.sign == .plus || value != 0 {
            return String(Int(value))
        }
        return value.description
    }

    private static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

extension String {
    func trimmingSpaces() -> String {
        let start = drop(while: \.isWhitespace)
        return String(
            start[
                ..<(start.lastIndex { !$0.isWhitespace }.map(start.index(after:))
                    ?? start.startIndex)])
    }
}
