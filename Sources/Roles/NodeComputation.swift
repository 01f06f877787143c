import Tensors
import Training
import TrainingProtocol

/// Computes a node of the canonical tree: its slots one after the other, summed as the tree says.
struct NodeComputation {
    let trainer: SlotTrainer
    let parameters: FlatBuffers
    let gradients: GradientBuffers
    let tree: SlotTree
    let phase: Int
    let stepInPhase: Int
    let pool: ThreadPool
    let onSlotFinished: (Int) -> Void

    /// A node's value: its leaves' trailers and gradients, reduced.
    struct Sum {
        var trailer: Trailer
        /// Nil if a leaf is not finite: the trailer alone is sent then.
        var gradients: GradientBuffers.Loan?
    }

    /// Throws what the batch source throws.
    func value(of node: SlotRange) throws -> Sum {
        guard let (left, right) = tree.children(of: node) else { return try leaf(node.lower) }
        let sum = try value(of: left)
        let other = try value(of: right)
        guard let first = sum.gradients, let second = other.gradients else {
            return Sum(trailer: sum.trailer + other.trailer, gradients: nil)
        }
        first.buffers.add(second.buffers, kernels: pool.kernels, pool: pool)
        return Sum(trailer: sum.trailer + other.trailer, gradients: first)
    }

    private func leaf(_ slot: Int) throws -> Sum {
        let loan = gradients.take()
        let result = try trainer.compute(
            phase: phase, stepInPhase: stepInPhase, slot: slot, parameters: parameters,
            gradients: loan.buffers)
        onSlotFinished(slot)
        return Sum(
            trailer: SlotReport.trailer(result, slot: slot),
            gradients: result.allFinite ? loan : nil)
    }
}
