/// What one message may hold; a peer that sends more is refused before anything is built from it.
package enum WireLimits {
    /// The header frame.
    package static let headerByteCount = 64 << 10
    /// A body that travels as a frame of its own.
    package static let detailByteCount = 2 << 20
    /// UTF-8 of one string; longer explanations are cut when they are encoded.
    package static let stringByteCount = 4_096
    /// The configuration's text and a shard's description.
    package static let documentByteCount = 16 << 20
    /// A chunk of parameters or gradients.
    package static let tensorByteCount = 64 << 20
    /// Steps, versions, terms, attempts and identifiers stay below, so that sums cannot overflow.
    package static let number: UInt64 = 1 << 62
    /// Commits by which a step's parameters may be behind it.
    package static let lag: UInt64 = 8
    /// Images, pixels, elements and milliseconds stay below.
    package static let quantity: UInt64 = 1 << 48
}
