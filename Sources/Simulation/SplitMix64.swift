/// Steele, Lea and Flood's SplitMix64: all of a simulation's chance comes from one seed.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return SplitMix64.mix(state)
    }

    package static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Uniform over `0 ..< bound`.
    mutating func below(_ bound: UInt64) -> UInt64 { next(upperBound: bound) }

    mutating func happens(oneIn count: UInt64) -> Bool { count > 0 && below(count) == 0 }
}
