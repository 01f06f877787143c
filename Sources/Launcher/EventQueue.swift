import Foundation

/// Events from signal handlers and child processes, taken by the launcher's one loop.
final class EventQueue<Event: Sendable>: @unchecked Sendable {
    // Sendable: every access to `events` holds `condition`.
    private let condition = NSCondition()
    private var events: [Event] = []

    func post(_ event: Event) {
        condition.lock()
        events.append(event)
        condition.signal()
        condition.unlock()
    }

    /// The next event, or nil when none came within `timeoutSeconds`.
    func next(timeoutSeconds: Double) -> Event? {
        let deadline = Date(timeIntervalSinceNow: timeoutSeconds)
        condition.lock()
        defer { condition.unlock() }
        while events.isEmpty {
            if !condition.wait(until: deadline) { break }
        }
        return events.isEmpty ? nil : events.removeFirst()
    }
}
