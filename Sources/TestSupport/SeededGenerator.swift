/// SplitMix64 (Steele, Lea and Flood 2014): the same draws from the same seed everywhere.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Uniform in the range, a multiple of 2⁻²⁴ of its width, hence exact in float for [0, 1).
    package mutating func uniform(_ range: Range<Float> = -1..<1) -> Float {
        let unit = Float(next() >> 40) / Float(1 << 24)
        return range.lowerBound + (range.upperBound - range.lowerBound) * unit
    }

    package mutating func floats(_ count: Int, in range: Range<Float> = -1..<1) -> [Float] {
        (0..<count).map { _ in uniform(range) }
    }

    package mutating func integers(_ count: Int, below bound: Int) -> [Int] {
        (0..<count).map { _ in Int(next() % UInt64(bound)) }
    }
}
