import CZeroMQ
import Glibc
import Synchronization

/// Lets any thread end the loop's wait: a pipe whose reading end the loop polls.
final class WakeUp: Sendable {
    let readingEnd: Int32
    private let writingEnd: Int32
    /// Whether a byte is in the pipe, so that a thousand signals cost one system call.
    private let signalled = Atomic<Bool>(false)

    init() throws(TransportError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .last(.wakeUp) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
        }
        (readingEnd, writingEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readingEnd)
        close(writingEnd)
    }

    func signal() {
        guard !signalled.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        while write(writingEnd, &byte, 1) < 0 && zmq_errno() == EINTR {}
    }

    /// Called when `readingEnd` is readable, before the loop looks at what the signals announced:
    /// a signal that comes in between is either seen by that look or wakes the next wait.
    func clear() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(readingEnd, &bytes, 16) < 0 && zmq_errno() == EINTR {}
        _ = signalled.exchange(false, ordering: .acquiringAndReleasing)
    }
}
