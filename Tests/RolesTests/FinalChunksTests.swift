import Roles
import Testing
import Training
import TrainingProtocol

@Suite struct FinalChunksTests {
    /// Three chunks of 4, 4 and 2 floats of the primary's weights, one of its statistics.
    private static let plan: ChunkPlan = {
        let places = [
            (Group.primary, 0, 4), (.primary, 4, 4), (.primary, 8, 2), (.primaryStatistics, 0, 4),
        ]
        return ChunkPlan(
            chunks: places.enumerated().map { index, place in
                Chunk(
                    id: ChunkID(index), group: place.0, firstElement: place.1,
                    elementCount: place.2)
            })
    }()

    @Test func `A chunk is complete with its last element, whatever the order`() throws {
        let weights = Self.plan.chunks.filter { $0.group == .primary }.map(\.id)
        try #require(weights.map { Self.plan[$0].elementCount } == [4, 4, 2])
        var final = FinalChunks(Self.plan, wanted: Self.plan.chunks.map(\.id))
        #expect(final.add(3..<10, of: .primary) == [weights[2], weights[1]])
        #expect(final.add(0..<3, of: .primary) == [weights[0]])
    }

    @Test func `Chunks that nobody asked for are passed over`() {
        let weights = Self.plan.chunks.filter { $0.group == .primary }.map(\.id)
        var final = FinalChunks(Self.plan, wanted: [weights[1]])
        #expect(final.add(0..<10, of: .primary) == [weights[1]])
        #expect(final.add(0..<4, of: .primaryStatistics) == [])
    }
}
