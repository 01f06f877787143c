import Hashes

// A ledger's lines are written by hand, not by an encoder: their bytes are hashed, so they must be a
// function of the values alone.

/// A string of letters, digits and a few marks, none of which JSON escapes.
func quoted(_ name: String) -> String {
    precondition(
        name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c },
        "\(name) cannot stand in a ledger")
    return "\"\(name)\""
}

func list<Element>(_ elements: [Element], _ text: (Element) -> String) -> String {
    "[" + elements.map(text).joined(separator: ",") + "]"
}

/// All digits of a value, in quotes: JSON has no integers of 64 bits and no NaN.
func digits<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) -> String {
    "\"" + hexadecimal(UInt64(value), digits: Value.bitWidth / 4) + "\""
}

/// The value of hexadecimal digits.
func value<Value: FixedWidthInteger>(ofDigits text: String) throws -> Value {
    guard let value = Value(text, radix: 16) else {
        throw MalformedLine("\(text) is no hexadecimal number of \(Value.bitWidth) bits")
    }
    return value
}

/// Why a line cannot be read.
struct MalformedLine: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
