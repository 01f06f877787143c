import Tensors
import TestSupport
import Testing

@Suite struct ArenaTests {
    private func buffers(_ generator: inout SeededGenerator) -> [Buffer] {
        (0..<200).map { _ in
            let draws = generator.integers(3, below: 100)
            let buffer = Buffer(count: 1 + draws[0] * draws[0])
            buffer.touch(draws[1])
            buffer.touch(draws[2])
            return buffer
        }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `buffers alive at one time never overlap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let buffers = buffers(&generator)
        let arena = Arena(buffers, sharing: .byLifetime)
        let total = buffers.reduce(0) { $0 + $1.count }
        #expect(arena.byteCount < total * MemoryLayout<Float>.stride)
        for (index, a) in buffers.enumerated() {
            #expect(a.offset % 16 == 0)
            #expect((a.offset + a.count) * MemoryLayout<Float>.stride <= arena.byteCount)
            for b in buffers[..<index] where a.lifetime!.overlaps(b.lifetime!) {
                #expect(a.offset + a.count <= b.offset || b.offset + b.count <= a.offset)
            }
        }
    }

    @Test func `without sharing every buffer has its own memory`() {
        var generator = SeededGenerator(seed: 4)
        let buffers = buffers(&generator)
        let arena = Arena(buffers, sharing: .none)
        for (index, buffer) in buffers.enumerated() {
            buffer.base.update(repeating: Float(index), count: buffer.count)
        }
        for (index, buffer) in buffers.enumerated() {
            let elements = UnsafeBufferPointer(start: buffer.base, count: buffer.count)
            let areKept = elements.allSatisfy { $0 == Float(index) }
            #expect(areKept)
        }
        #expect(arena.byteCount >= buffers.reduce(0) { $0 + $1.count } * 4)
    }

    @Test func `a buffer that no stage touches takes no memory`() {
        let used = Buffer(count: 16), unused = Buffer(count: 1 << 20)
        used.touch(0)
        #expect(Arena([used, unused], sharing: .byLifetime).byteCount == 64)
    }
}
