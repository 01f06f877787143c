import CKernels
import Synchronization
import TrainingProtocol

/// Memory for floats that comes back to its owner when the last reference goes, so that a step of a
/// server allocates nothing.
final class FloatBlocks: Sendable {
    /// A block on loan.
    final class Block: @unchecked Sendable {
        // Sendable: written by its one holder before it is shared, only read afterwards.
        let floats: UnsafeMutableBufferPointer<Float>
        private let owner: FloatBlocks

        fileprivate init(_ floats: UnsafeMutableBufferPointer<Float>, owner: FloatBlocks) {
            self.floats = floats
            self.owner = owner
        }

        deinit { owner.give(back: floats) }

        /// The block as a payload; the memory is not copied, and must not change any more.
        var frame: Frame {
            Frame(adopting: UnsafeRawBufferPointer(floats)) { _ = self }
        }

        /// A copy that may be changed.
        func copy() -> Block {
            let copy = owner.take(floats.count)
            _ = copy.floats.update(fromContentsOf: floats)
            return copy
        }
    }

    private struct Free: @unchecked Sendable {
        // Sendable: the memory in the list is referred to by nothing else.
        var blocks: [UnsafeMutableBufferPointer<Float>] = []
    }

    private let free = Mutex(Free())

    /// A block of `count` floats with arbitrary content.
    func take(_ count: Int) -> Block {
        let known = free.withLock { free -> Free in
            guard let index = free.blocks.lastIndex(where: { $0.count == count }) else {
                return Free()
            }
            return Free(blocks: [free.blocks.remove(at: index)])
        }
        if let floats = known.blocks.first { return Block(floats, owner: self) }
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(4 * count, 4), alignment: 64)
        let floats = memory.bindMemory(to: Float.self)
        return Block(UnsafeMutableBufferPointer(rebasing: floats[..<count]), owner: self)
    }

    /// A block of `count` zeros.
    func zeros(_ count: Int) -> Block {
        let block = take(count)
        block.floats.update(repeating: 0)
        return block
    }

    /// Floats as bfloat16, rounded to nearest.
    func bfloat16(
        _ floats: UnsafeBufferPointer<Float>, kernels: UnsafePointer<ck_table>
    ) -> Frame {
        let block = take((floats.count + 1) / 2)
        let bytes = UnsafeMutableRawBufferPointer(block.floats)
        if let source = floats.baseAddress, let target = bytes.baseAddress {
            kernels.pointee.to_bfloat16(
                target.assumingMemoryBound(to: UInt8.self), source, floats.count)
        }
        let written = UnsafeRawBufferPointer(rebasing: bytes[..<(2 * floats.count)])
        return Frame(adopting: written) { _ = block }
    }

    /// A block of floats from bfloat16.
    func floats(
        ofBFloat16 bytes: UnsafeRawBufferPointer, kernels: UnsafePointer<ck_table>
    ) -> Block {
        let block = take(bytes.count / 2)
        if let target = block.floats.baseAddress, let source = bytes.baseAddress {
            kernels.pointee.from_bfloat16(
                target, source.assumingMemoryBound(to: UInt8.self), block.floats.count)
        }
        return block
    }

    private func give(back floats: UnsafeMutableBufferPointer<Float>) {
        let returned = Free(blocks: [floats])
        free.withLock { $0.blocks.append(contentsOf: returned.blocks) }
    }

    deinit {
        for floats in free.withLock({ $0.blocks }) { floats.baseAddress?.deallocate() }
    }
}
