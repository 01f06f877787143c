/// How the tensors of a run are cut into chunks; depends on the tensor list and the limits alone.
package struct ChunkPlan: Hashable, Sendable {
    package let chunks: [Chunk]

    /// The chunks in their order; element i has id i.
    package init(chunks: [Chunk]) {
        for (index, chunk) in chunks.enumerated() {
            precondition(chunk.id.index == index, "chunk \(chunk.id) stands at place \(index)")
        }
        self.chunks = chunks
    }

    /// Cuts each group's flat list of tensors.
    ///
    /// Whole tensors are fused while they fit into `largestByteCount`; a tensor that does not fit
    /// opens a new chunk if the open one has at least `smallestByteCount`, else it is cut. A rest
    /// below `smallestByteCount` stays alone only where the group has nothing to fuse it with.
    package init(
        tensors: [TensorDescription], smallestByteCount: Int = 1 << 20,
        largestByteCount: Int = 4 << 20
    ) {
        precondition(
            4 <= smallestByteCount && 2 * smallestByteCount <= largestByteCount,
            "chunks of \(smallestByteCount) to \(largestByteCount) bytes cannot be cut")
        var chunks: [Chunk] = []
        for group in Group.allCases {
            var firstElement = 0
            let counts = tensors.filter { $0.group == group }.map(\.elementCount)
            let lengths = ChunkPlan.lengths(
                of: counts, smallest: smallestByteCount / 4, largest: largestByteCount / 4)
            for length in lengths {
                chunks.append(
                    Chunk(
                        id: ChunkID(chunks.count), group: group, firstElement: firstElement,
                        elementCount: length))
                firstElement += length
            }
        }
        self.init(chunks: chunks)
    }

    private static func lengths(of counts: [Int], smallest: Int, largest: Int) -> [Int] {
        var lengths: [Int] = []
        var open = 0
        for count in counts {
            if open + count > largest, open >= smallest {
                lengths.append(open)
                open = 0
            }
            open += count
            while open > largest {
                lengths.append(largest)
                open -= largest
            }
        }
        guard open > 0 else { return lengths }
        if let last = lengths.last, open < smallest {
            let both = last + open
            guard both > largest else { return lengths.dropLast() + [both] }
            return lengths.dropLast() + [both - both / 2, both / 2]
        }
        return lengths + [open]
    }

    package subscript(id: ChunkID) -> Chunk { chunks[id.index] }

    package func contains(_ id: ChunkID) -> Bool { chunks.indices.contains(id.index) }
}
