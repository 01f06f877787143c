/// Philox4x32-10: a counter-based random generator (Salmon et al., SC 2011).
///
/// Each block of four
/// words is a pure function of key and counter, so no draw depends on another having been made.
package struct Philox {
    package static func block(
        key: UInt64, counter: SIMD4<UInt32>
    ) -> SIMD4<UInt32> {
        var key0 = UInt32(truncatingIfNeeded: key)
        var key1 = UInt32(truncatingIfNeeded: key >> 32)
        var c = counter
        for _ in 0..<10 {
            let product0 = UInt64(c[0]) &* 0xD251_1F53
            let product1 = UInt64(c[2]) &* 0xCD9E_8D57
            c = SIMD4(
                UInt32(truncatingIfNeeded: product1 >> 32) ^ c[1] ^ key0,
                UInt32(truncatingIfNeeded: product1),
                UInt32(truncatingIfNeeded: product0 >> 32) ^ c[3] ^ key1,
                UInt32(truncatingIfNeeded: product0))
            key0 &+= 0x9E37_79B9
            key1 &+= 0xBB67_AE85
        }
        return c
    }
}

/// What a stream of random numbers is for: part of its counter, so that no two uses meet.
package enum RandomPurpose: UInt32, Sendable {
    case permutation = 1
    case augmentation, split, synthesis, texture
}

/// A sequence of random numbers that belongs to one place: a purpose and two coordinates.
package struct RandomStream: Sendable {
    private let key: UInt64
    private let purpose: UInt32
    private let place: (UInt32, UInt32)
    private var position: UInt32 = 0
    private var words = SIMD4<UInt32>()

    /// Streams with different arguments are independent.
    package init(seed: UInt64, purpose: RandomPurpose, _ first: UInt64, _ second: UInt64 = 0) {
        // Coordinates of 64 bits enter through the key: a block of another counter mixes them in.
        let mixed = Philox.block(
            key: seed,
            counter: SIMD4(
                UInt32(truncatingIfNeeded: first), UInt32(truncatingIfNeeded: first >> 32),
                UInt32(truncatingIfNeeded: second), UInt32(truncatingIfNeeded: second >> 32)))
        key = UInt64(mixed[0]) | UInt64(mixed[1]) << 32
        self.purpose = purpose.rawValue
        place = (mixed[2], mixed[3])
    }

    package mutating func nextWord() -> UInt32 {
        let lane = Int(position & 3)
        if lane == 0 {
            words = Philox.block(
                key: key, counter: SIMD4(position >> 2, purpose, place.0, place.1))
        }
        position += 1
        return words[lane]
    }

    /// Uniform in [0, 1) with 53 bits.
    package mutating func uniform() -> Double {
        let high = UInt64(nextWord()) << 21
        let low = UInt64(nextWord()) >> 11
        return Double(high | low) * 0x1p-53
    }

    /// Uniform in `range`.
    package mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// Uniform in `0..<bound`, without bias: words beyond the last whole multiple are drawn again.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0 && bound <= 1 << 31, "a draw below \(bound)")
        let bound64 = UInt64(bound)
        let limit = (1 << 32) / bound64 * bound64
        while true {
            let word = UInt64(nextWord())
            if word < limit { return Int(word % bound64) }
        }
    }
}
