import TrainingProtocol

/// FNV-1a of a frame's bytes: any digest serves, since machines only compare.
func digest(of frame: Frame) -> Digest {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in frame.bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return Digest(hash)
}

/// 32 bytes that differ where `value` does.
func contentHash(of value: UInt64) -> ContentHash {
    var random = SplitMix64(seed: value)
    return ContentHash((0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) })
}
