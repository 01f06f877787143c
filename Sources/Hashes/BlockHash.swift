import CSHA256

/// SHA-256 around the processor's compression function: cuts what arrives into blocks of 64 bytes,
/// and pads the last one (FIPS 180-4, §5.1.1).
struct BlockHash {
    private static let blockByteCount = 64

    private var words = SIMD8<UInt32>(
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19)
    private var byteCount: UInt64 = 0
    /// The beginning of a block that is not full yet.
    private var rest: [UInt8] = []

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount += UInt64(bytes.count)
        var bytes = bytes
        if !rest.isEmpty {
            let missing = min(Self.blockByteCount - rest.count, bytes.count)
            rest += bytes[..<missing]
            bytes = UnsafeRawBufferPointer(rebasing: bytes[missing...])
            guard rest.count == Self.blockByteCount else { return }
            rest.withUnsafeBytes { compress($0, into: &words) }
            rest.removeAll(keepingCapacity: true)
        }
        let whole = bytes.count - bytes.count % Self.blockByteCount
        compress(UnsafeRawBufferPointer(rebasing: bytes[..<whole]), into: &words)
        rest += bytes[whole...]
    }

    mutating func finishedBytes() -> [UInt8] {
        let bitCount = byteCount * 8
        var end: [UInt8] = [0x80]
        while (rest.count + end.count) % Self.blockByteCount != 56 { end.append(0) }
        withUnsafeBytes(of: bitCount.bigEndian) { end += $0 }
        end.withUnsafeBytes { update($0) }
        return words.indices.flatMap { index in
            withUnsafeBytes(of: words[index].bigEndian) { Array($0) }
        }
    }
}

/// Takes whole blocks into the words of a state.
private func compress(_ blocks: UnsafeRawBufferPointer, into words: inout SIMD8<UInt32>) {
    guard let base = blocks.baseAddress, !blocks.isEmpty else { return }
    withUnsafeMutableBytes(of: &words) { words in
        csha256_compress(
            words.assumingMemoryBound(to: UInt32.self).baseAddress,
            base.assumingMemoryBound(to: UInt8.self), blocks.count / 64)
    }
}
