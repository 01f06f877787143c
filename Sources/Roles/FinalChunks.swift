import Training
import TrainingProtocol

/// Which chunks have all their elements' final gradients.
package struct FinalChunks {
    private let plan: ChunkPlan
    private let wanted: [ChunkID]
    /// By chunk: elements that are not final yet.
    private var missing: [Int]

    /// - Parameter wanted: the chunks to be told of; others are passed over.
    package init(_ plan: ChunkPlan, wanted: [ChunkID]) {
        self.plan = plan
        self.wanted = wanted
        missing = plan.chunks.map(\.elementCount)
    }

    /// Takes elements of a group that are final now, each once; the chunks that they complete, the
    /// last first, as the backward pass goes.
    package mutating func add(_ elements: Range<Int>, of group: TensorGroup) -> [ChunkID] {
        var completed: [ChunkID] = []
        for id in wanted.reversed() where plan[id].group.tensorGroup == group {
            let chunk = plan[id]
            let own = chunk.firstElement..<chunk.firstElement + chunk.elementCount
            let common = own.clamped(to: elements).count
            guard common > 0 else { continue }
            missing[id.index] -= common
            precondition(missing[id.index] >= 0, "elements of chunk \(id) are finished twice")
            if missing[id.index] == 0 { completed.append(id) }
        }
        return completed
    }
}
