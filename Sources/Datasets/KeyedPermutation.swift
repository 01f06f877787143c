/// A permutation of `0..<count` that is a function of its key alone and needs no table: a
/// eight-round Feistel network over the next power of four, walked until it lands below `count`.
package struct KeyedPermutation: Sendable {
    package let count: Int
    private let key: UInt64
    private let halfBits: UInt32
    private let tweak: SIMD2<UInt32>
    /// Four rounds are visibly uneven over ten numbers; eight pass a chi-squared test.
    private static let rounds: UInt32 = 8

    /// `stream` and `epoch` separate the permutations that share a seed.
    package init(count: Int, seed: UInt64, stream: UInt64, epoch: UInt64) {
        precondition(count > 0 && count <= 1 << 31, "a permutation of \(count)")
        self.count = count
        var bits: UInt32 = 1
        while 1 << (2 * bits) < count { bits += 1 }
        halfBits = bits
        let mixed = Philox.block(
            key: seed,
            counter: SIMD4(
                UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32),
                UInt32(truncatingIfNeeded: epoch), UInt32(truncatingIfNeeded: epoch >> 32)))
        key = UInt64(mixed[0]) | UInt64(mixed[1]) << 32
        tweak = SIMD2(mixed[2], mixed[3])
    }

    package subscript(position: Int) -> Int {
        precondition(position >= 0 && position < count, "position \(position) of \(count)")
        let mask = (UInt32(1) << halfBits) - 1
        var value = UInt64(position)
        repeat {
            var left = UInt32(value >> UInt64(halfBits)) & mask
            var right = UInt32(truncatingIfNeeded: value) & mask
            for round in 0..<KeyedPermutation.rounds {
                let word = Philox.block(
                    key: key, counter: SIMD4(right, round, tweak[0], tweak[1]))[0]
                (left, right) = (right, left ^ (word & mask))
            }
            value = UInt64(left) << UInt64(halfBits) | UInt64(right)
        } while value >= UInt64(count)
        return Int(value)
    }
}

/// Which image a draw takes: draw n of a stream is place n mod count of the permutation of
/// epoch n div count.
package struct DrawOrder: Sendable {
    package let count: Int
    package let seed: UInt64
    package let stream: UInt64

    package init(count: Int, seed: UInt64, stream: UInt64) {
        self.count = count
        self.seed = seed
        self.stream = stream
    }

    package subscript(draw: Int) -> Int {
        KeyedPermutation(
            count: count, seed: seed, stream: stream, epoch: UInt64(draw / count))[draw % count]
    }
}
