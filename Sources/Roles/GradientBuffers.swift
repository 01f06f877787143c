import CKernels
import Synchronization
import Tensors
import Training

/// Flat gradient buffers of one phase, taken for a slot and given back when nobody refers to them.
///
/// A worker keeps a node's gradients until its step is durable, so buffers come and go; this keeps
/// their memory, so that a step allocates nothing.
final class GradientBuffers: Sendable {
    /// Buffers on loan: returned when the last reference to this object goes.
    final class Loan: @unchecked Sendable {
        // Sendable: written by the one computation that holds it, only read once it is shared.
        let buffers: FlatBuffers
        private let owner: GradientBuffers

        fileprivate init(_ buffers: FlatBuffers, owner: GradientBuffers) {
            self.buffers = buffers
            self.owner = owner
        }

        deinit { owner.give(back: buffers) }
    }

    private struct Free: @unchecked Sendable {
        // Sendable: buffers in the list are referred to by nothing else.
        var list: [FlatBuffers] = []
    }

    let groups: [TensorGroup]
    private let tensors: TensorList
    private let free = Mutex(Free())

    init(_ tensors: TensorList, groups: [TensorGroup]) {
        self.tensors = tensors
        self.groups = groups
    }

    func take() -> Loan {
        let known = free.withLock { $0.list.isEmpty ? nil : Free(list: [$0.list.removeLast()]) }
        return Loan(known?.list[0] ?? FlatBuffers(tensors, groups: groups), owner: self)
    }

    private func give(back buffers: FlatBuffers) {
        let returned = Free(list: [buffers])
        free.withLock { $0.list.append(contentsOf: returned.list) }
    }
}

extension FlatBuffers {
    /// Adds elements of another node's sums to these, one by one: left + right, left being this.
    func add(
        _ right: FlatBuffers, _ group: TensorGroup, _ elements: Range<Int>,
        kernels: UnsafePointer<ck_table>, pool: ThreadPool
    ) {
        guard let sum = self[group].baseAddress, let other = right[group].baseAddress else {
            return
        }
        pool.runTiles(of: elements) { first, count in
            kernels.pointee.accumulate(sum + first, other + first, count)
        }
    }

    /// Rounds elements in place.
    func roundToBFloat16(_ group: TensorGroup, _ elements: Range<Int>, pool: ThreadPool) {
        guard let sum = self[group].baseAddress else { return }
        pool.runTiles(of: elements) { first, count in
            pool.kernels.pointee.round_to_bfloat16(sum + first, sum + first, count)
        }
    }
}

extension ThreadPool {
    /// Runs `body` with the first element and the number of elements of each tile of a range.
    fileprivate func runTiles(of elements: Range<Int>, _ body: (Int, Int) -> Void) {
        let tile = 1 << 16
        run(count: (elements.count + tile - 1) / tile) { index in
            let first = elements.lowerBound + index * tile
            body(first, min(tile, elements.upperBound - first))
        }
    }
}
