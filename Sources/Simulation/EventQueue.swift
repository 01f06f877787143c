import TrainingProtocol

/// What is to happen in virtual time; equal times in the order in which they were added.
struct EventQueue: Sendable {
    enum Happening: Sendable {
        case event(Event, process: Int)
        /// Set while `generation` is the timer's newest.
        case timer(TimerID, process: Int, generation: UInt64)
        case start(process: Int)
        /// A process's operation on a file comes to its end.
        case storage(process: Int, Storage.Lane)
        case fault(FaultKind)
        /// By place in the options' script.
        case scripted(Int)
        case heal(Partition)
    }

    private struct Entry: Sendable {
        let time: Instant
        let sequence: UInt64
        let happening: Happening

        func precedes(_ other: Entry) -> Bool {
            (time, sequence) < (other.time, other.sequence)
        }
    }

    private var heap: [Entry] = []
    private var sequence: UInt64 = 0

    mutating func add(_ happening: Happening, at time: Instant) {
        sequence += 1
        heap.append(Entry(time: time, sequence: sequence, happening: happening))
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (time: Instant, happening: Happening)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return (first.time, first.happening)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].precedes(heap[least]) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
