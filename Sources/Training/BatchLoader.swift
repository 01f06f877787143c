import Datasets
import Dispatch
import Synchronization

/// Loads batches on a thread of its own, so that decoding overlaps computing and compute threads
/// allocate nothing.
final class BatchLoader {
    /// Batches that may wait to be taken: the current slot's and the next one's.
    private static let capacity = 2

    private let source: any BatchSource
    private let queue = DispatchQueue(label: "emend.batches")
    private var pending: [(request: BatchRequest, batch: Pending)] = []
    /// Time that `take` has waited for batches so far.
    private(set) var waited = Duration.zero

    private final class Pending: Sendable {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<SlotBatch, any Error>?>(nil)
    }

    init(source: any BatchSource) { self.source = source }

    /// Starts loading a batch, unless it is on its way; the oldest one waiting may give way.
    func prefetch(_ request: BatchRequest) {
        guard !pending.contains(where: { $0.request == request }) else { return }
        if pending.count == Self.capacity { pending.removeFirst() }
        let batch = Pending()
        pending.append((request, batch))
        queue.async { [source] in
            let result = Result { try source.batch(request) }
            batch.result.withLock { $0 = result }
            batch.done.signal()
        }
    }

    /// Waits for a batch, loading it now if that has not begun.
    func take(_ request: BatchRequest) throws -> SlotBatch {
        prefetch(request)
        let index = pending.firstIndex { $0.request == request }!
        let batch = pending.remove(at: index).batch
        waited += ContinuousClock().measure { batch.done.wait() }
        return try batch.result.withLock { $0.take()! }.get()
    }
}
