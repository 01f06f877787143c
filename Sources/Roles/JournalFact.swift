import Checkpoints
import TrainingProtocol

/// An object of the journal whose members are read by name; what is missing or of another kind is
/// an error that names it.
struct JournalFact {
    private let json: JSON

    init(_ json: JSON) { self.json = json }

    func string(_ key: String) throws(JournalEntry.Malformed) -> String {
        guard let value = json[key]?.string else { throw unexpected(key, "a string") }
        return value
    }

    /// At least 0.
    func integer(_ key: String) throws(JournalEntry.Malformed) -> Int {
        guard let value = json[key]?.integer, value >= 0 else { throw unexpected(key, "a count") }
        return value
    }

    func number(_ key: String) throws(JournalEntry.Malformed) -> UInt64 {
        UInt64(try integer(key))
    }

    func integerOrNull(_ key: String) throws(JournalEntry.Malformed) -> Int? {
        json[key] == .null ? nil : try integer(key)
    }

    func integers(_ key: String) throws(JournalEntry.Malformed) -> [Int] {
        let values = try array(key)
        let integers = values.compactMap(\.integer).filter { $0 >= 0 }
        guard integers.count == values.count else { throw unexpected(key, "a list of counts") }
        return integers
    }

    func list(_ key: String) throws(JournalEntry.Malformed) -> [JournalFact] {
        try array(key).map(JournalFact.init)
    }

    func runID(_ key: String) throws(JournalEntry.Malformed) -> RunID {
        let (high, low) = try words(key)
        return RunID(high: high, low: low)
    }

    func incarnation(_ key: String) throws(JournalEntry.Malformed) -> Incarnation {
        let (high, low) = try words(key)
        return Incarnation(high: high, low: low)
    }

    func contentHash(_ key: String) throws(JournalEntry.Malformed) -> ContentHash {
        ContentHash(try bytes(key, count: 32))
    }

    /// 128 bits in hexadecimal.
    private func words(_ key: String) throws(JournalEntry.Malformed) -> (UInt64, UInt64) {
        let bytes = try bytes(key, count: 16)
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
            bytes.reduce(0) { $0 << 8 | UInt64($1) }
        }
        return (word(bytes[..<8]), word(bytes[8...]))
    }

    private func bytes(
        _ key: String, count: Int
    ) throws(JournalEntry.Malformed) -> [UInt8] {
        let digits = Array(try string(key).utf8)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap { index in
            UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16)
        }
        guard digits.count == 2 * count, bytes.count == count else {
            throw unexpected(key, "\(2 * count) hexadecimal digits")
        }
        return bytes
    }

    private func array(_ key: String) throws(JournalEntry.Malformed) -> [JSON] {
        guard let values = json[key]?.array else { throw unexpected(key, "a list") }
        return values
    }

    private func unexpected(_ key: String, _ expected: String) -> JournalEntry.Malformed {
        let found = json[key].map(\.text) ?? "none"
        return JournalEntry.Malformed(
            description: "member \(key): expected \(expected), found \(found)")
    }
}
