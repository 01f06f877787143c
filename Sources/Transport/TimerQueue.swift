import TrainingProtocol

/// The timers a machine has set, by deadline; equal deadlines fire in the order they were set.
struct TimerQueue<Timer: Hashable> {
    private struct Entry {
        let deadline: Instant
        let sequence: UInt64
        let timer: Timer

        func precedes(_ other: Entry) -> Bool {
            (deadline, sequence) < (other.deadline, other.sequence)
        }
    }

    /// Latest first, so that the next to fire is the last element.
    private var entries: [Entry] = []
    private var nextSequence: UInt64 = 0

    /// Sets a timer, or moves one already set.
    mutating func set(_ timer: Timer, deadline: Instant) {
        cancel(timer)
        let entry = Entry(deadline: deadline, sequence: nextSequence, timer: timer)
        nextSequence += 1
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entry.precedes(entries[middle]) { low = middle + 1 } else { high = middle }
        }
        entries.insert(entry, at: low)
    }

    mutating func cancel(_ timer: Timer) {
        if let index = entries.firstIndex(where: { $0.timer == timer }) {
            entries.remove(at: index)
        }
    }

    var nextDeadline: Instant? { entries.last?.deadline }

    /// The next timer whose deadline has come, no longer set.
    mutating func popDue(at now: Instant) -> Timer? {
        guard let last = entries.last, last.deadline <= now else { return nil }
        entries.removeLast()
        return last.timer
    }
}
