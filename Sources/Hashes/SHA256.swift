import CSHA256
import CSodium

/// SHA-256 of bytes that arrive in pieces.
public struct SHA256 {
    /// Who does the work; the digest is the same.
    package enum Engine: CaseIterable {
        /// The processor's own instructions.
        case processor
        case libsodium

        /// The fastest that this processor has.
        package static let best = csha256_is_available() != 0 ? Engine.processor : .libsodium
    }

    private enum State {
        case processor(BlockHash)
        case libsodium(crypto_hash_sha256_state)
    }

    private var state: State

    /// The hash of no bytes yet.
    public init() { self.init(.best) }

    /// - Precondition: the processor has the instructions that `engine` needs.
    package init(_ engine: Engine) {
        switch engine {
        case .processor:
            state = .processor(BlockHash())
        case .libsodium:
            var sodium = crypto_hash_sha256_state()
            crypto_hash_sha256_init(&sodium)
            state = .libsodium(sodium)
        }
    }

    /// Takes more bytes in.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        switch state {
        case .processor(var hash):
            hash.update(bytes)
            state = .processor(hash)
        case .libsodium(var sodium):
            crypto_hash_sha256_update(
                &sodium, base.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
            state = .libsodium(sodium)
        }
    }

    /// The digest's 32 bytes.
    public consuming func finishedBytes() -> [UInt8] {
        switch state {
        case .processor(var hash):
            return hash.finishedBytes()
        case .libsodium(var sodium):
            var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
            crypto_hash_sha256_final(&sodium, &digest)
            return digest
        }
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
