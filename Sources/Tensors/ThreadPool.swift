import CKernels

/// Threads that share the tiles of one stage at a time, and the kernels that their tiles call.
///
/// What a tile computes depends on its index alone, and all kernels give the same bits, so neither
/// changes a result.
/// A pool serves one caller at a time.
public final class ThreadPool {
    /// Threads that take part in a run, the caller included.
    public let threadCount: Int
    /// The kernels of the level that the process was told to use.
    public let kernels: UnsafePointer<ck_table>
    private let pool: OpaquePointer

    /// `threadCount` includes the caller; the kernels are the machine's fastest by default.
    public init(threadCount: Int, kernels: UnsafePointer<ck_table> = ck_kernels()) {
        precondition(threadCount >= 1, "a pool needs at least one thread, not \(threadCount)")
        guard let pool = ck_pool_create(threadCount) else {
            preconditionFailure("the system refused \(threadCount) threads")
        }
        self.threadCount = threadCount
        self.kernels = kernels
        self.pool = pool
    }

    deinit { ck_pool_destroy(pool) }

    /// Calls `tile` once for each of `0..<count`, in any order, and returns when all are done.
    ///
    /// Tiles run concurrently: each must write only what no other tile touches. Allocates a small
    /// box for the closure.
    public func run(count: Int, _ tile: (Int) -> Void) {
        withoutActuallyEscaping(tile) { tile in
            run(Stage(name: "", count: count) { index, _ in tile(index) })
        }
    }

    /// Runs a stage compiled before; allocates nothing.
    func run(_ stage: Stage) {
        // The whole stage and not its body alone: a closure behind a generic pointer is boxed anew.
        withUnsafePointer(to: stage) { stage in
            ck_pool_run(
                pool, stage.pointee.count,
                { context, tile, thread in
                    context!.assumingMemoryBound(to: Stage.self).pointee.body(tile, thread)
                },
                UnsafeMutableRawPointer(mutating: stage))
        }
    }
}
