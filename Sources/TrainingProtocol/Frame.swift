/// An immutable run of bytes with whatever keeps them alive: a tensor on its way, never copied.
package final class Frame {
    package let bytes: UnsafeRawBufferPointer
    private let release: @Sendable () -> Void

    /// Adopts bytes that stay valid and unchanged until `release` is called.
    package init(
        adopting bytes: UnsafeRawBufferPointer, release: @escaping @Sendable () -> Void
    ) {
        self.bytes = bytes
        self.release = release
    }

    /// Allocates `byteCount` bytes on a 64-byte boundary and lets `fill` write all of them.
    package convenience init(
        byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows {
        let owned = OwnedMemory(byteCount: byteCount)
        do { try fill(owned.aligned) } catch {
            owned.deallocate()
            throw error
        }
        self.init(adopting: UnsafeRawBufferPointer(owned.aligned)) { owned.deallocate() }
    }

    package convenience init(copying bytes: some Collection<UInt8>) {
        self.init(byteCount: bytes.count) { $0.copyBytes(from: bytes) }
    }

    package convenience init(floats: some Collection<Float>) {
        self.init(byteCount: floats.count * 4) { memory in
            #if _endian(little)
                let copied: Void? = floats.withContiguousStorageIfAvailable {
                    memory.copyMemory(from: UnsafeRawBufferPointer($0))
                }
                if copied != nil { return }
            #endif
            for (index, value) in floats.enumerated() {
                memory.storeBytes(
                    of: value.bitPattern.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
            }
        }
    }

    package var byteCount: Int { bytes.count }

    /// The bytes as little-endian float32; for small frames, since it copies.
    package var floats: [Float] {
        (0..<byteCount / 4).map {
            let bits = bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)
            return Float(bitPattern: UInt32(littleEndian: bits))
        }
    }

    deinit { release() }
}

// Sendable: the bytes never change after init, and release runs once, after the last reference.
extension Frame: @unchecked Sendable {}

extension Frame: Hashable {
    package static func == (left: Frame, right: Frame) -> Bool {
        left === right || left.bytes.elementsEqual(right.bytes)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(byteCount) }
}

extension Frame: CustomStringConvertible {
    package var description: String { "\(byteCount) bytes" }
}

// Sendable: plain addresses that only the owning frame's release frees.
private struct OwnedMemory: @unchecked Sendable {
    private static let alignment = 64
    private let memory: UnsafeMutableRawBufferPointer
    /// So many bytes of it as were asked for, on a 64-byte boundary.
    let aligned: UnsafeMutableRawBufferPointer

    /// Aligns by itself: the C library's aligned blocks, freed, are too small for the next of the same
    /// size, so that frames that come and go would take new memory again and again.
    init(byteCount: Int) {
        memory = .allocate(byteCount: byteCount + Self.alignment, alignment: 16)
        let offset = -(Int(bitPattern: memory.baseAddress)) & (Self.alignment - 1)
        aligned = UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + byteCount])
    }

    func deallocate() { memory.deallocate() }
}
