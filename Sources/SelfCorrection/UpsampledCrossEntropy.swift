import CKernels
import Tensors

/// Cross-entropy of stride-4 logits at label size, with the gradient at stride 4, row by row.
///
/// Upsampling (bilinear, aligned corners), softmax, loss and the upsampling's adjoint are one pass
/// over intervals of two logit rows, so no map of label size is ever stored. The intervals and the
/// order of all sums depend on the grid alone.
public final class UpsampledCrossEntropy {
    /// What the probabilities are compared with, for consecutive images.
    public enum Target {
        /// `[images, labelHeight, labelWidth]`; 255 is ignored.
        case labels(UnsafePointer<UInt8>)
        /// Softmax of these logits, shaped like the judged ones and upsampled like them, taken as constant.
        /// `valid` `[images, labelHeight, labelWidth]` is 0 where a pixel is padding.
        case probabilities(ofLogits: UnsafePointer<Float>, valid: UnsafePointer<UInt8>)
        /// The E-step's classes; `boxes` is `[images, labelHeight, labelWidth, classes]`.
        case estimated(
            ExpectationMaximisation, boxes: UnsafePointer<Float>, valid: UnsafePointer<UInt8>)
    }

    /// Extents of logits and labels.
    public let grid: LogitGrid
    /// The most images of one evaluation.
    public let maximumImages: Int
    private let pool: ThreadPool
    /// Two logit rows of gradient per interval.
    private let parts: UnsafeMutableBufferPointer<Float>
    private let sums: UnsafeMutableBufferPointer<Double>

    /// Allocates the scratch for up to `maximumImages` images.
    public init(_ grid: LogitGrid, maximumImages: Int, pool: ThreadPool) {
        precondition(maximumImages > 0, "\(maximumImages) images")
        self.grid = grid
        self.maximumImages = maximumImages
        self.pool = pool
        let intervals = maximumImages * grid.intervals
        parts = .allocate(capacity: intervals * 2 * grid.width * grid.classes)
        sums = .allocate(capacity: intervals)
        parts.initialize(repeating: 0)
        sums.initialize(repeating: 0)
    }

    deinit {
        parts.deallocate()
        sums.deallocate()
    }

    /// The term's sum and pixels; writes `weight` · ∂mean/∂logits, 0 if no pixel counts.
    ///
    /// `logits` and `gradient` are `[images, height, width, classes]` and may not overlap; neither
    /// `target` nor what it was made of receives a gradient.
    public func evaluate(
        _ logits: UnsafePointer<Float>, against target: Target, images: Int, weight: Double,
        gradient: UnsafeMutablePointer<Float>
    ) -> LossTerm {
        precondition(images <= maximumImages, "\(images) images of \(maximumImages)")
        let pixels = pixelCount(of: target, images: images)
        guard pixels > 0 else {
            gradient.update(repeating: 0, count: images * grid.logitCount)
            return LossTerm(sum: 0, pixels: 0)
        }
        let factor = Float(weight / Double(pixels))
        let grid = grid, partCount = 2 * grid.width * grid.classes
        // Sendable: each tile writes its own part and sum, and the pool joins before they are read.
        nonisolated(unsafe) let parts = parts.baseAddress!
        nonisolated(unsafe) let sums = sums.baseAddress!
        pool.run(count: images * grid.intervals) { tile in
            let pass = IntervalPass(
                grid: grid, image: tile / grid.intervals, interval: tile % grid.intervals,
                factor: factor, kernels: pool.kernels)
            sums[tile] = pass.run(logits, target, gradient: parts + tile * partCount)
        }
        join(gradient, images: images)
        return LossTerm(
            sum: (0..<images * grid.intervals).reduce(0) { $0 + sums[$1] }, pixels: pixels)
    }

    private func pixelCount(of target: Target, images: Int) -> Int {
        let count = images * grid.labelCount
        switch target {
        case .labels(let labels):
            return ck_count_valid_labels(labels, grid.classes, count)
        case .probabilities(_, let valid), .estimated(_, _, let valid):
            return (0..<count).reduce(0) { $0 + (valid[$1] == 0 ? 0 : 1) }
        }
    }

    /// Adds for each logit row what the intervals above and below it hold.
    private func join(_ gradient: UnsafeMutablePointer<Float>, images: Int) {
        let grid = grid, rowCount = grid.width * grid.classes
        let kernels = pool.kernels, parts = parts.baseAddress!
        for image in 0..<images {
            let first = parts + image * grid.intervals * 2 * rowCount
            for row in 0..<grid.height {
                let out = gradient + (image * grid.height + row) * rowCount
                let above = first + (2 * row - 1) * rowCount, below = first + 2 * row * rowCount
                if row == 0 {
                    out.update(from: below, count: rowCount)
                } else if row == grid.height - 1 {
                    out.update(from: above, count: rowCount)
                } else {
                    kernels.pointee.add(out, above, below, rowCount)
                }
            }
        }
    }
}
