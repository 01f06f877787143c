import Networks
import Testing

@Suite struct AtrousRuleTests {
    /// Nominal strides of MobileNetV2's layers 1–18.
    private static let strides = [2, 1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]

    private func units(_ outputStride: OutputStride) -> [AtrousRule.Unit] {
        var rule = AtrousRule(outputStride: outputStride)
        return Self.strides.map { rule.unit(nominalStride: $0) }
    }

    @Test("At output stride 16 layer 15 keeps its resolution and layers 16–18 run at rate 2")
    func sixteen() {
        let units = units(.sixteen)
        #expect(units[..<14].map(\.stride) == Self.strides[..<14].map { $0 })
        #expect(units[14...].allSatisfy { $0.stride == 1 })
        #expect(units.map(\.dilation) == [Int](repeating: 1, count: 15) + [2, 2, 2])
    }

    @Test("At output stride 8 layer 8 keeps its resolution, 9–15 run at rate 2, 16–18 at rate 4")
    func eight() {
        let units = units(.eight)
        #expect(units[..<7].map(\.stride) == Self.strides[..<7].map { $0 })
        #expect(units[7...].allSatisfy { $0.stride == 1 })
        let rates = [Int](repeating: 1, count: 8) + [Int](repeating: 2, count: 7) + [4, 4, 4]
        #expect(units.map(\.dilation) == rates)
    }

    @Test("The pyramid's rates are 6, 12, 18 at output stride 16 and double at 8")
    func pyramid() {
        #expect(OutputStride.sixteen.pyramidDilations == [6, 12, 18])
        #expect(OutputStride.eight.pyramidDilations == [12, 24, 36])
    }
}
