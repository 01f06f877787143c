import CLinux
import Dispatch
import Glibc

/// SIGTERM, SIGINT and SIGHUP as calls of a closure, for as long as the value lives; SIGHUP not
/// under `nohup`.
final class StopSignals {
    private let sources: [any DispatchSourceSignal]

    init(_ onSignal: @escaping @Sendable () -> Void) {
        let numbers = [SIGTERM, SIGINT] + (emend_linux_is_ignored(SIGHUP) == 0 ? [SIGHUP] : [])
        sources = numbers.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { onSignal() }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }
}
