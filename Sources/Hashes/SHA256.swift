import CSodium

/// SHA-256 of bytes that arrive in pieces.
public struct SHA256 {
    private var state = crypto_hash_sha256_state()

    /// The hash of no bytes yet.
    public init() { crypto_hash_sha256_init(&state) }

    /// Takes more bytes in.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        crypto_hash_sha256_update(
            &state, base.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
    }

    /// The digest's 32 bytes.
    public consuming func finishedBytes() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        crypto_hash_sha256_final(&state, &digest)
        return digest
    }

    /// The digest in lower-case hexadecimal.
    public consuming func finish() -> String {
        finishedBytes().map { hexadecimal(UInt64($0), digits: 2) }.joined()
    }

    /// The digest of `bytes` in lower-case hexadecimal.
    public static func hash(_ bytes: some Collection<UInt8>) -> String { taking(bytes).finish() }

    /// The digest of `bytes`, 32 bytes.
    public static func bytes(of bytes: some Collection<UInt8>) -> [UInt8] {
        taking(bytes).finishedBytes()
    }

    private static func taking(_ bytes: some Collection<UInt8>) -> SHA256 {
        var hash = SHA256()
        let done: Void? = bytes.withContiguousStorageIfAvailable {
            hash.update(UnsafeRawBufferPointer($0))
        }
        if done == nil { Array(bytes).withUnsafeBytes { hash.update($0) } }
        return hash
    }
}

/// Lower-case hexadecimal with leading zeros.
package func hexadecimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
