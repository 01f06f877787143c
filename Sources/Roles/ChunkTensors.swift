import Checkpoints
import Networks
import Training
import TrainingProtocol

/// A tensor's part of a chunk.
struct ChunkPiece: Sendable {
    let tensor: TensorDescription
    /// First element of the piece within the chunk.
    let chunkOffset: Int
    /// First element of the piece within the tensor.
    let tensorOffset: Int
    let count: Int

    var slice: TensorSlice {
        TensorSlice(tensor.entry, offset: tensorOffset, count: count)
    }
}

extension RunPlan {
    /// The tensors, or parts of them, that make up a chunk, in order.
    func pieces(of chunk: Chunk) -> [ChunkPiece] {
        var pieces: [ChunkPiece] = []
        var first = 0
        let end = chunk.firstElement + chunk.elementCount
        for tensor in tensors where tensor.group == chunk.group {
            let last = first + tensor.elementCount
            let low = max(first, chunk.firstElement)
            let high = min(last, end)
            if low < high {
                pieces.append(
                    ChunkPiece(
                        tensor: tensor, chunkOffset: low - chunk.firstElement,
                        tensorOffset: low - first, count: high - low))
            }
            first = last
        }
        precondition(
            pieces.reduce(0) { $0 + $1.count } == chunk.elementCount,
            "chunk \(chunk.id) of \(chunk.elementCount) elements leaves its group's tensors")
        return pieces
    }

    /// All tensors as checkpoints list them.
    var tensorEntries: [TensorEntry] { tensors.map(\.entry) }
}

extension TensorDescription {
    var entry: TensorEntry {
        TensorEntry(group: group.tensorGroup.rawValue, name: name, shape: shape)
    }
}
