import CPNG

/// CRC-32 of zlib, continued from `previous`.
func crc32(_ bytes: UnsafeRawBufferPointer, from previous: UInt = 0) -> UInt {
    guard let base = bytes.baseAddress else { return previous }
    return crc32_z(previous, base.assumingMemoryBound(to: UInt8.self), bytes.count)
}
