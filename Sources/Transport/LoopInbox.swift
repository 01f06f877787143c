import Synchronization
import TrainingProtocol

/// Events that other threads hand to the loop, in their order.
final class LoopInbox: Sendable {
    let wakeUp: WakeUp
    private let events = Mutex<[Event]>([])

    init() throws(TransportError) {
        wakeUp = try WakeUp()
    }

    func append(_ event: Event) {
        events.withLock { $0.append(event) }
        wakeUp.signal()
    }

    func takeAll() -> [Event] {
        events.withLock { events in
            defer { events.removeAll(keepingCapacity: true) }
            return events
        }
    }
}
