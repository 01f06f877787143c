import CLinux
import Dispatch
import Glibc
import Synchronization

/// Where a process vouches that its memory may be read: random bytes at an address of its own.
///
/// As long as they stand there, what it lent under them is unchanged.
struct MemoryToken: Hashable {
    let address: UInt64
    let value: Value

    struct Value: Hashable {
        let high: UInt64
        let low: UInt64
    }
}

/// The memory of a process of this host, as far as the kernel lets this one read it.
struct PeerMemory {
    private let processID: pid_t
    private let token: MemoryToken

    enum Opening {
        case readable(PeerMemory)
        /// The peer is on another host, of another user, or not seen from here.
        case elsewhere
        /// The kernel refuses, with this errno value.
        case refused(code: Int32)
    }

    /// Reads the token that the process at the other end of a connection named.
    ///
    /// Which process that is, the kernel says and not the peer, which could name another.
    static func open(_ token: MemoryToken, behind descriptor: Int32) -> Opening {
        var processID: pid_t = 0
        var user: uid_t = 0
        guard emend_linux_peer(descriptor, &processID, &user) == 0, processID > 0,
            user == geteuid()
        else { return .elsewhere }
        let memory = PeerMemory(processID: processID, token: token)
        if memory.holdsToken { return .readable(memory) }
        let code = errno
        return code == EPERM || code == ENOSYS ? .refused(code: code) : .elsewhere
    }

    /// Copies what the peer lent at `address`; false where it is gone, or was no longer lent when the
    /// copy was done.
    func read(_ address: UInt64, into target: UnsafeMutableRawBufferPointer) -> Bool {
        guard copy(address, into: target) else { return false }
        // The bytes are read before the token, which the peer destroys before the bytes.
        atomicMemoryFence(ordering: .acquiring)
        return holdsToken
    }

    private var holdsToken: Bool {
        var value = MemoryToken.Value(high: 0, low: 0)
        let isRead = withUnsafeMutableBytes(of: &value) { copy(token.address, into: $0) }
        return isRead && value == token.value
    }

    /// Copied by two threads where there are so many bytes: the loop waits for them.
    private static let sharedByteCount = 1 << 20

    private func copy(_ address: UInt64, into target: UnsafeMutableRawBufferPointer) -> Bool {
        guard target.count >= Self.sharedByteCount else { return copyHere(address, into: target) }
        let half = target.count / 2
        // Sendable: each thread writes its own half, and both end before this call does.
        nonisolated(unsafe) let halves = [
            (address, UnsafeMutableRawBufferPointer(rebasing: target[..<half])),
            (address &+ UInt64(half), UnsafeMutableRawBufferPointer(rebasing: target[half...])),
        ]
        let copied = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            let (address, target) = halves[index]
            if copyHere(address, into: target) { copied.add(1, ordering: .relaxed) }
        }
        return copied.load(ordering: .relaxed) == 2
    }

    private func copyHere(_ address: UInt64, into target: UnsafeMutableRawBufferPointer) -> Bool {
        errno = 0
        let count = emend_linux_read_memory(
            processID, address, target.baseAddress, target.count)
        return count == target.count
    }
}
