import Dispatch
import Glibc

/// SIGTERM, SIGINT and SIGHUP as calls of a closure, for as long as the value lives.
final class StopSignals {
    private let sources: [any DispatchSourceSignal]

    init(_ onSignal: @escaping @Sendable () -> Void) {
        sources = [SIGTERM, SIGINT, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { onSignal() }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }
}
