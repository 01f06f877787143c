import Tensors
import Training
import TrainingProtocol

/// Computes a node of the canonical tree: its slots one after the other, summed as the tree says.
///
/// While the last slot is differentiated, each part of its gradients goes through all the sums that
/// wait for it, so that the node's own gradients come in backward order.
struct NodeComputation {
    /// Elements of a group whose sum over the node is final, in the buffers that hold it.
    typealias Finished = (TensorGroup, Range<Int>, GradientBuffers.Loan) -> Void

    let trainer: SlotTrainer
    let parameters: FlatBuffers
    let gradients: GradientBuffers
    let tree: SlotTree
    let phase: Int
    let stepInPhase: Int
    let pool: ThreadPool
    /// What each node's sums of weight gradients are rounded to.
    let format: GradientFormat
    let onSlotFinished: (Int) -> Void

    /// A node's value: its leaves' trailers and gradients, reduced.
    struct Sum {
        var trailer: Trailer
        /// Nil if a leaf is not finite: the trailer alone is sent then.
        var gradients: GradientBuffers.Loan?
    }

    /// The node's value; `finished` is told during the backward pass which gradients are final, though
    /// not yet whether all of them are finite.
    ///
    /// Throws what the batch source throws.
    func value(of node: SlotRange, finished: Finished = { _, _, _ in }) throws -> Sum {
        var lefts: [Sum] = []
        var last = node
        while let (left, right) = tree.children(of: last) {
            lefts.append(try value(of: left))
            last = right
        }
        return try leaf(last.lower, addedTo: lefts, finished)
    }

    /// A slot, added to the sums on its left from the lowest one up: a + (b + slot).
    private func leaf(_ slot: Int, addedTo lefts: [Sum], _ finished: Finished) throws -> Sum {
        let own = gradients.take()
        let sums = lefts.compactMap(\.gradients)
        let areFinite = sums.count == lefts.count
        var rest = own.buffers.unfinished
        func add(_ group: TensorGroup, _ elements: Range<Int>) {
            var right = own
            roundToFormat(right, group, elements)
            for left in sums.reversed() {
                left.buffers.add(
                    right.buffers, group, elements, kernels: pool.kernels, pool: pool)
                roundToFormat(left, group, elements)
                right = left
            }
            finished(group, elements, right)
        }
        let result = try trainer.compute(
            phase: phase, stepInPhase: stepInPhase, slot: slot, parameters: parameters,
            gradients: own.buffers
        ) { group, elements in
            guard areFinite else { return }
            rest.remove(elements, of: group)
            add(group, elements)
        }
        onSlotFinished(slot)
        let trailer = lefts.reversed().reduce(SlotReport.trailer(result, slot: slot)) {
            $1.trailer + $0
        }
        guard areFinite, result.allFinite else { return Sum(trailer: trailer, gradients: nil) }
        for (group, elements) in rest.ranges { add(group, elements) }
        return Sum(trailer: trailer, gradients: sums.first ?? own)
    }

    private func roundToFormat(
        _ sum: GradientBuffers.Loan, _ group: TensorGroup, _ elements: Range<Int>
    ) {
        guard format.applied(to: Group(group)) == .bfloat16 else { return }
        sum.buffers.roundToBFloat16(group, elements, pool: pool)
    }
}
