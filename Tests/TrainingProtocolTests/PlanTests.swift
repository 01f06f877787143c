import Testing
import TrainingProtocol

@Suite struct PlanTests {
    static func tensors(_ sizes: [(Group, Int)]) -> [TensorDescription] {
        sizes.enumerated().map { index, size in
            TensorDescription(
                name: "t\(index)", group: size.0, shape: [size.1],
                attributes: .init(weightDecay: .applied, learningRateMultiplier: 1))
        }
    }

    static let mixed: [(Group, Int)] = [
        (.primary, 3_000_000), (.primary, 7), (.ancillary, 900), (.primary, 200_000),
        (.primary, 600_000), (.corrector, 1_100_000), (.primaryStatistics, 50),
    ]

    @Test func chunksCoverEachGroupInOrderAndNeverMixGroups() {
        let tensors = Self.tensors(Self.mixed)
        let plan = ChunkPlan(tensors: tensors)
        for group in Group.allCases {
            let chunks = plan.chunks.filter { $0.group == group }
            var next = 0
            for chunk in chunks {
                #expect(chunk.firstElement == next && chunk.elementCount > 0)
                next += chunk.elementCount
            }
            let count = tensors.filter { $0.group == group }.reduce(0) { $0 + $1.elementCount }
            #expect(next == count)
        }
    }

    @Test func chunksHaveOneToFourMebibytesWhereTheGroupHas() {
        let plan = ChunkPlan(tensors: Self.tensors(Self.mixed))
        for chunk in plan.chunks {
            #expect(chunk.byteCount <= 4 << 20)
            let isAlone = plan.chunks.count { $0.group == chunk.group } == 1
            #expect(isAlone || chunk.byteCount >= 1 << 20, "\(chunk)")
        }
    }

    @Test(arguments: 1...60) func noRestIsTooSmallWhateverTheSizes(seed: Int) {
        let sizes = (0..<seed % 9 + 1).map { (Group.primary, 1 + (seed * 37 + $0 * 101) % 97) }
        let plan = ChunkPlan(
            tensors: Self.tensors(sizes), smallestByteCount: 40, largestByteCount: 160)
        let total = sizes.reduce(0) { $0 + $1.1 }
        #expect(plan.chunks.reduce(0) { $0 + $1.elementCount } == total)
        for chunk in plan.chunks {
            #expect(chunk.byteCount <= 160)
            #expect(plan.chunks.count == 1 || chunk.byteCount >= 40)
        }
    }

    @Test(arguments: 1...5) func placementBalancesBytesWithinEachGroup(shardCount: Int) {
        let sizes = (0..<40).map { ($0 % 3 == 0 ? Group.ancillary : .primary, 300_000 + $0 * 999) }
        let plan = ChunkPlan(tensors: Self.tensors(sizes))
        let shards = Placement.balanced(plan, shardCount: shardCount)
        for group in [Group.primary, .ancillary] {
            let bytes = (0..<shardCount).map { shard in
                plan.chunks.filter { $0.group == group && shards[$0.id.index].index == shard }
                    .reduce(0) { $0 + $1.byteCount }
            }
            let spread = (bytes.max() ?? 0) - (bytes.min() ?? 0)
            #expect(spread <= 4 << 20, "\(group): \(bytes)")
        }
    }

    @Test func frozenChunksKeepTheVersionOfTheirLastPhase() {
        let plan = Fixture.plan(slotCount: 2)
        let primary = ChunkID(0)
        let ancillary = ChunkID(2)
        // Phase 0, steps 0–1, trains the ancillary; phase 1, steps 2–4, the primary.
        #expect(plan.requiredVersion(of: ancillary, at: Step(0)) == Version(0))
        #expect(plan.requiredVersion(of: ancillary, at: Step(1)) == Version(1))
        #expect(plan.requiredVersion(of: ancillary, at: Step(4)) == Version(2))
        #expect(plan.requiredVersion(of: primary, at: Step(2)) == Version(0))
        #expect(plan.requiredVersion(of: primary, at: Step(4)) == Version(4))
        #expect(plan.changedVersion(of: primary, at: plan.finalVersion) == Version(5))
    }

    @Test func checkpointsAreAtTheStartTheMultiplesAndTheEnd() {
        let plan = Fixture.plan(slotCount: 2)
        let versions = (0...5).filter { plan.isCheckpoint(Version($0)) }
        #expect(versions == [0, 2, 4, 5])
    }
}
