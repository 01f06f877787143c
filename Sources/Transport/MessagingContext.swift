import CZeroMQ
import Synchronization

/// The process's one libzmq context: make it once and hand it to every loop. (Several contexts
/// in one process can crash libzmq 4.3.4 at their end.)
public final class MessagingContext: Sendable {
    // Sendable: libzmq's contexts are thread-safe; the handle never changes.
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer
    private let isShutDown = Atomic<Bool>(false)

    /// Throws `TransportError.system` where the process may open no more descriptors.
    public init(ioThreadCount: Int32 = TransportLimits().ioThreadCount) throws(TransportError) {
        guard let handle = zmq_ctx_new() else { throw .last(.createContext) }
        self.handle = handle
        guard zmq_ctx_set(handle, ZMQ_IO_THREADS, ioThreadCount) == 0 else {
            throw .last(.setOption)
        }
    }

    /// Waits until the last bytes of ended loops have left, at most their linger time.
    ///
    /// Call it before the process exits, after the last loop has ended: what is still in libzmq's
    /// hands at `exit` never leaves.
    public func shutDown() {
        guard !isShutDown.exchange(true, ordering: .acquiringAndReleasing) else { return }
        while zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR {}
    }

    deinit {
        shutDown()
    }
}
