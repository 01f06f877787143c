import Datasets
import Testing

@Suite struct RandomnessTests {
    @Test func `Philox gives the published blocks`() {
        #expect(
            Philox.block(key: 0, counter: SIMD4(0, 0, 0, 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            Philox.block(key: .max, counter: SIMD4(.max, .max, .max, .max))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox.block(
                key: 0x299f_31d0_a409_3822,
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344))
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test(arguments: [1, 2, 3, 4, 5, 16, 17, 60, 367, 1000])
    func `a keyed permutation meets each number once`(count: Int) {
        for epoch in 0..<3 {
            let permutation = KeyedPermutation(
                count: count, seed: 11, stream: 2, epoch: UInt64(epoch))
            let images = (0..<count).map { permutation[$0] }
            #expect(images.sorted() == Array(0..<count))
        }
    }

    @Test func `epochs, streams and seeds have orders of their own`() {
        func order(_ seed: UInt64, _ stream: UInt64, _ epoch: UInt64) -> [Int] {
            let permutation = KeyedPermutation(
                count: 100, seed: seed, stream: stream, epoch: epoch)
            return (0..<100).map { permutation[$0] }
        }
        let all = [order(1, 0, 0), order(1, 0, 1), order(1, 1, 0), order(2, 0, 0)]
        #expect(Set(all).count == 4)
        #expect(order(1, 0, 0) == all[0])
    }

    @Test func `places of a permutation are uniform over epochs`() {
        var counts = [Int](repeating: 0, count: 10)
        for epoch in 0..<10_000 {
            counts[KeyedPermutation(count: 10, seed: 3, stream: 0, epoch: UInt64(epoch))[0]] += 1
        }
        // Chi-squared with 9 degrees of freedom: 27.9 is exceeded once in a thousand.
        let chi = counts.reduce(0.0) { $0 + (Double($1) - 1000) * (Double($1) - 1000) / 1000 }
        #expect(chi < 27.9)
    }

    @Test func `uniform numbers stay in their range and fill it`() {
        var stream = RandomStream(seed: 1, purpose: .texture, 0)
        let values = (0..<10_000).map { _ in stream.uniform() }
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(abs(values.reduce(0, +) / 10_000 - 0.5) < 0.01)
        let whole = (0..<7000).map { _ in stream.below(7) }
        #expect(Set(whole) == Set(0..<7))
    }
}
