import CWireMessages
import Glibc

/// Zero-filled memory of bounded size for one protobuf message at a time; used anew for the next.
///
/// protobuf-c allocates many times a header's size for hostile input and leaves some of it
/// uninitialised; here it gets zeros, and nil when `byteCount` is used up.
final class Arena {
    let byteCount: Int
    private let memory: UnsafeMutableRawPointer
    private var usedByteCount = 0

    init(byteCount: Int) {
        guard let memory = calloc(1, byteCount) else {
            preconditionFailure("no \(byteCount) bytes for the wire format's arena")
        }
        self.byteCount = byteCount
        self.memory = memory
    }

    deinit {
        free(memory)
    }

    /// 16-byte aligned zeros, or nil when the arena is used up.
    func allocate(byteCount count: Int) -> UnsafeMutableRawPointer? {
        guard count >= 0, count <= byteCount - usedByteCount else { return nil }
        let start = memory + usedByteCount
        usedByteCount = min((usedByteCount + count + 15) & ~15, byteCount)
        return start
    }

    /// Forgets all allocations and restores the zeros.
    func reset() {
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: usedByteCount)
        usedByteCount = 0
    }

    /// Calls `body` with an allocator for protobuf-c that draws on this arena and never frees.
    func withAllocator<Result>(
        _ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result
    ) -> Result {
        var allocator = ProtobufCAllocator(
            alloc: { arena, byteCount in
                guard let arena else { return nil }
                return Unmanaged<Arena>.fromOpaque(arena).takeUnretainedValue()
                    .allocate(byteCount: byteCount)
            },
            free: { _, _ in },
            allocator_data: Unmanaged.passUnretained(self).toOpaque())
        return withExtendedLifetime(self) { body(&allocator) }
    }
}
