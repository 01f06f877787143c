import WireFormat

/// What the two ends of a local connection tell each other about reading each other's memory.
///
/// It travels as a frame that begins with a zero byte, as no header does: the zero, the kind, six
/// zeros, then 64-bit little-endian words.
package enum DirectReadingNote: Hashable, Sendable {
    /// The sender's memory may be read while these words stand at this address.
    case offer(address: UInt64, high: UInt64, low: UInt64)
    /// The sender has found the words of the other's offer.
    case accepted
    /// The sender has read all frames of the messages up to this one.
    case read(through: UInt64)
    /// Before a header: where the payload frames of the message of this number lie.
    case lent(number: UInt64, places: [Place])

    /// Where a payload frame lies.
    package enum Place: Hashable, Sendable {
        /// Behind the header, as ever.
        case inMessage
        case inMemory(address: UInt64, byteCount: Int)
    }

    private enum Kind {
        static let offer: UInt8 = 1
        static let accepted: UInt8 = 2
        static let read: UInt8 = 3
        static let lent: UInt8 = 4
    }

    private static let prefixByteCount = 8

    package var bytes: [UInt8] {
        switch self {
        case .offer(let address, let high, let low):
            Self.bytes(Kind.offer, [address, high, low])
        case .accepted: Self.bytes(Kind.accepted, [])
        case .read(let number): Self.bytes(Kind.read, [number])
        case .lent(let number, let places):
            Self.bytes(
                Kind.lent,
                [number]
                    + places.flatMap { place -> [UInt64] in
                        switch place {
                        case .inMessage: [0, 0]
                        case .inMemory(let address, let byteCount): [address, UInt64(byteCount)]
                        }
                    })
        }
    }

    private static func bytes(_ kind: UInt8, _ words: [UInt64]) -> [UInt8] {
        [0, kind, 0, 0, 0, 0, 0, 0]
            + words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
    }

    /// Whether a frame is a note and no header.
    static func begins(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.first == 0 }

    /// Nil where the bytes are no note.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.prefixByteCount, bytes.count.isMultiple(of: 8),
            bytes.count <= WireLimits.headerByteCount, bytes[0] == 0,
            bytes[2..<Self.prefixByteCount].allSatisfy({ $0 == 0 })
        else { return nil }
        let words = stride(from: Self.prefixByteCount, to: bytes.count, by: 8).map {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
        }
        switch (bytes[1], words.count) {
        case (Kind.offer, 3): self = .offer(address: words[0], high: words[1], low: words[2])
        case (Kind.accepted, 0): self = .accepted
        case (Kind.read, 1): self = .read(through: words[0])
        case (Kind.lent, 1...) where !words.count.isMultiple(of: 2):
            var places: [Place] = []
            for index in stride(from: 1, to: words.count, by: 2) {
                let (address, count) = (words[index], words[index + 1])
                if address == 0 && count == 0 {
                    places.append(.inMessage)
                } else {
                    guard address > 0, count > 0, let count = Int(exactly: count) else {
                        return nil
                    }
                    places.append(.inMemory(address: address, byteCount: count))
                }
            }
            self = .lent(number: words[0], places: places)
        default: return nil
        }
    }
}
