import CXXHash
import TrainingProtocol

extension Digest {
    /// XXH3, 64 bits, of a payload.
    init(of frame: Frame) { self.init(of: frame.bytes) }

    init(of bytes: UnsafeRawBufferPointer) {
        self.init(emend_xxh3(bytes.baseAddress, bytes.count))
    }
}

/// The digest of bytes that come piece by piece, each while a core's cache holds it.
package final class DigestStream {
    private let state: OpaquePointer

    package init() {
        guard let state = XXH3_createState(), XXH3_64bits_reset(state) == XXH_OK else {
            preconditionFailure("no memory for a digest")
        }
        self.state = state
    }

    deinit { XXH3_freeState(state) }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        let code = emend_xxh3_update(state, bytes.baseAddress, bytes.count)
        precondition(code == XXH_OK, "a digest of \(bytes.count) bytes: \(code)")
    }

    /// Of all bytes so far.
    package var digest: Digest { Digest(XXH3_64bits_digest(state)) }
}
