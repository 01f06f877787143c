import Glibc

/// A run of floats in the arena, alive from the first stage that touches it to the last.
package final class Buffer {
    package let count: Int
    package private(set) var lifetime: ClosedRange<Int>?
    package fileprivate(set) var offset = 0
    package fileprivate(set) var base: UnsafeMutablePointer<Float>

    package init(count: Int) {
        precondition(count > 0, "a buffer of \(count) floats")
        self.count = count
        // Replaced by the arena; a null dereference traps if a stage runs before.
        base = UnsafeMutablePointer(bitPattern: 4)!
    }

    package func touch(_ stage: Int) {
        let begun = lifetime ?? stage...stage
        lifetime = min(begun.lowerBound, stage)...max(begun.upperBound, stage)
    }

    /// Words kept in the buffer's memory, as many as it has floats.
    var words: UnsafeMutablePointer<UInt32> {
        UnsafeMutableRawPointer(base).assumingMemoryBound(to: UInt32.self)
    }

    /// Doubles kept in the buffer's memory, which is aligned to 64 bytes.
    var doubles: UnsafeMutablePointer<Double> {
        UnsafeMutableRawPointer(base).assumingMemoryBound(to: Double.self)
    }
}

/// One block of memory in which buffers whose lifetimes are disjoint share their place.
package final class Arena {
    package enum Sharing { case byLifetime, none }

    /// Floats between the starts of neighbours: a cache line.
    private static let alignment = 16

    package let byteCount: Int
    private let memory: UnsafeMutableRawPointer

    /// Bytes that an arena for the buffers would have.
    static func byteCount(_ buffers: [Buffer], sharing: Sharing) -> Int {
        let floats = place(buffers.filter { $0.lifetime != nil }, sharing: sharing)
        return max(floats, 1) * MemoryLayout<Float>.stride
    }

    /// Places the buffers; those without a lifetime get no memory.
    package init(_ buffers: [Buffer], sharing: Sharing) {
        byteCount = Arena.byteCount(buffers, sharing: sharing)
        memory = hugePages(byteCount: byteCount)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        let base = memory.assumingMemoryBound(to: Float.self)
        for buffer in buffers where buffer.lifetime != nil {
            buffer.base = base + buffer.offset
        }
    }

    deinit { memory.deallocate() }

    /// Chooses offsets, largest buffer first, each at the lowest place free during its life.
    private static func place(_ buffers: [Buffer], sharing: Sharing) -> Int {
        let order = buffers.indices.sorted {
            (buffers[$0].count, $1) > (buffers[$1].count, $0)
        }
        var placed: [Buffer] = []
        var top = 0
        for index in order {
            let buffer = buffers[index]
            buffer.offset = sharing == .none ? top : lowestGap(for: buffer, among: placed)
            let position = placed.firstIndex { $0.offset > buffer.offset } ?? placed.count
            placed.insert(buffer, at: position)
            top = max(top, end(of: buffer))
        }
        return top
    }

    private static func end(of buffer: Buffer) -> Int {
        buffer.offset + (buffer.count + alignment - 1) / alignment * alignment
    }

    /// `placed` is in order of offset.
    private static func lowestGap(for buffer: Buffer, among placed: [Buffer]) -> Int {
        var offset = 0
        for other in placed where other.lifetime!.overlaps(buffer.lifetime!) {
            if other.offset >= offset + buffer.count { break }
            offset = max(offset, end(of: other))
        }
        return offset
    }
}

/// Memory in pages of 2 MiB where the system has them: rows that a product reads lie far apart.
func hugePages(byteCount: Int) -> UnsafeMutableRawPointer {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 1 << 21)
    // Advice only: without huge pages the plan is slower, not wrong.
    _ = madvise(memory, byteCount, MADV_HUGEPAGE)
    return memory
}
