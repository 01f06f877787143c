import CPNG
import CSodium

/// SHA-256 of bytes that arrive in pieces.
public struct SHA256 {
    private var state = crypto_hash_sha256_state()

    public init() { crypto_hash_sha256_init(&state) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        crypto_hash_sha256_update(
            &state, base.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
    }

    /// The digest in lower-case hexadecimal.
    public consuming func finish() -> String {
        var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        crypto_hash_sha256_final(&state, &digest)
        return digest.map { hexadecimal(UInt64($0), digits: 2) }.joined()
    }

    public static func hash(_ bytes: some Collection<UInt8>) -> String {
        var hash = SHA256()
        Array(bytes).withUnsafeBytes { hash.update($0) }
        return hash.finish()
    }
}

/// CRC-32 of zlib, continued from `previous`.
func crc32(_ bytes: UnsafeRawBufferPointer, from previous: UInt = 0) -> UInt {
    guard let base = bytes.baseAddress else { return previous }
    return crc32_z(previous, base.assumingMemoryBound(to: UInt8.self), bytes.count)
}

/// Lower-case hexadecimal with leading zeros.
func hexadecimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
