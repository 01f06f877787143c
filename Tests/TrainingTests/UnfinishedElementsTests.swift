import Testing
import Training

@Suite struct UnfinishedElementsTests {
    @Test func `What is removed leaves what lies around it`() {
        var elements = UnfinishedElements([
            (.primary, 10), (.primaryStatistics, 3), (.corrector, 0),
        ])
        elements.remove(4..<6, of: .primary)
        elements.remove(6..<10, of: .primary)
        elements.remove(0..<1, of: .primary)
        elements.remove(0..<3, of: .primaryStatistics)
        #expect(elements.ranges.map(\.group) == [.primary])
        #expect(elements.ranges.map(\.elements) == [1..<4])
    }
}
