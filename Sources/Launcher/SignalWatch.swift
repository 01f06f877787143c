import CLinux
import Dispatch
import Glibc
import Synchronization

/// Takes SIGINT, SIGTERM and SIGHUP for a launcher, in whichever phase it is; SIGHUP not under
/// `nohup`.
///
/// Before and after its processes run nothing is lost by ending at once, with 128 + the signal.
/// While they run, signals are events for the loop that looks after them.
public final class SignalWatch {
    private let receiver = SignalReceiver()
    private let sources: [any DispatchSourceSignal]

    /// Takes the signals from now on, for as long as the value lives.
    public init() {
        let hangup = emend_linux_is_ignored(SIGHUP) == 0 ? [SIGHUP] : []
        sources = ([SIGINT, SIGTERM] + hangup).map { [receiver] number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { receiver.take(number) }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }

    /// Hands signals to a loop, until `endAtOnce`.
    func deliver(to queue: EventQueue<Int32>) { receiver.deliver(to: queue) }

    /// Lets the next signal end the process.
    func endAtOnce() { receiver.deliver(to: nil) }
}

/// What is done with a signal, on whichever thread it comes.
private final class SignalReceiver: Sendable {
    private struct State {
        var queue: EventQueue<Int32>?
        var count = 0
    }

    /// The loop has so long to end the children after a second signal; then the process ends
    /// whatever the loop does, and the kernel kills the children.
    private static let secondSignalMilliseconds = 500

    private let state = Mutex(State())

    func deliver(to queue: EventQueue<Int32>?) { state.withLock { $0.queue = queue } }

    func take(_ number: Int32) {
        let (queue, count) = state.withLock { state in
            state.count += 1
            return (state.queue, state.count)
        }
        guard let queue else { _exit(128 + number) }
        queue.post(number)
        guard count > 1 else { return }
        DispatchQueue.global().asyncAfter(
            deadline: .now() + .milliseconds(Self.secondSignalMilliseconds)
        ) { _exit(128 + number) }
    }
}
