import CKernels

/// Softmax cross-entropy of the rows of `[rows, classes]` logits.
///
/// Rows are cut into fixed tiles whose losses are added in order in double, so neither threads nor
/// timing reach the result. An instance owns the tiles' sums and serves one caller at a time.
public final class CrossEntropy {
    public let rows: Int
    public let classes: Int
    private let pool: ThreadPool
    private let tiling: Tiling
    private let losses: UnsafeMutablePointer<Double>
    private let counts: UnsafeMutablePointer<Int>
    private let kernels: UnsafePointer<ck_table> = ck_kernels()

    public init(rows: Int, classes: Int, pool: ThreadPool) {
        precondition(rows > 0 && classes > 0, "cross-entropy of \(rows) rows of \(classes) classes")
        self.rows = rows
        self.classes = classes
        self.pool = pool
        tiling = .even(rows, count: 16, limit: 4096, minimum: 64)
        losses = .allocate(capacity: tiling.count)
        counts = .allocate(capacity: tiling.count)
        losses.initialize(repeating: 0, count: tiling.count)
        counts.initialize(repeating: 0, count: tiling.count)
    }

    deinit {
        losses.deallocate()
        counts.deallocate()
    }

    /// Sums `−log softmax(logits[r])[labels[r]]` over the rows whose label is a class.
    ///
    /// `gradient`, where given, receives `factor · (softmax − onehot)`, and 0 in ignored rows; it may
    /// be `logits`. Returns the sum, unscaled, and the number of rows that counted.
    public func hard(
        logits: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, factor: Float,
        gradient: UnsafeMutablePointer<Float>?
    ) -> (loss: Double, count: Int) {
        let (tiling, classes, losses, counts, kernels) = (tiling, classes, losses, counts, kernels)
        pool.run(count: tiling.count) { tile in
            let range = tiling.range(tile), first = range.lowerBound * classes
            counts[tile] = kernels.pointee.cross_entropy_hard(
                gradient.map { $0 + first }, losses + tile, logits + first,
                labels + range.lowerBound, factor, range.count, classes)
        }
        var count = 0
        for tile in 0..<tiling.count { count += counts[tile] }
        return (total(), count)
    }

    /// Sums `weights[r] · Σ_c −targets[r, c] · log softmax(logits[r])[c]`.
    ///
    /// `weights` of nil are all 1; rows of weight 0 count nothing. `gradient`, where given, receives
    /// `factor · weights[r] · (softmax · Σ_c targets − targets)`; it may be `logits` or `targets`.
    /// Returns the sum, unscaled.
    public func soft(
        logits: UnsafePointer<Float>, targets: UnsafePointer<Float>,
        weights: UnsafePointer<Float>?, factor: Float, gradient: UnsafeMutablePointer<Float>?
    ) -> Double {
        let (tiling, classes, losses, kernels) = (tiling, classes, losses, kernels)
        pool.run(count: tiling.count) { tile in
            let range = tiling.range(tile), first = range.lowerBound * classes
            kernels.pointee.cross_entropy_soft(
                gradient.map { $0 + first }, losses + tile, logits + first, targets + first,
                weights.map { $0 + range.lowerBound }, factor, range.count, classes)
        }
        return total()
    }

    private func total() -> Double {
        var sum = 0.0
        for tile in 0..<tiling.count { sum += losses[tile] }
        return sum
    }
}
