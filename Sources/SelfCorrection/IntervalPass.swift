import CKernels
import Tensors

/// The label rows between two logit rows: upsample, compare, and hand the gradient back to the two rows.
struct IntervalPass {
    let grid: LogitGrid
    let image: Int
    let interval: Int
    /// Multiplies the gradient of each pixel's cross-entropy.
    let factor: Float
    private let kernels: UnsafePointer<ck_table>

    init(
        grid: LogitGrid, image: Int, interval: Int, factor: Float, kernels: UnsafePointer<ck_table>
    ) {
        self.grid = grid
        self.image = image
        self.interval = interval
        self.factor = factor
        self.kernels = kernels
    }

    /// Elements of a row of label width.
    private var rowCount: Int { grid.labelWidth * grid.classes }
    /// Logit rows that take part: two, or the only one there is.
    private var logitRows: Int { min(grid.height, 2) }

    /// The sum of the pixels' losses; writes the gradient of the two logit rows.
    func run(
        _ logits: UnsafePointer<Float>, _ target: UpsampledCrossEntropy.Target,
        gradient: UnsafeMutablePointer<Float>
    ) -> Double {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 8 * rowCount + grid.labelWidth) {
            scratch in
            let base = scratch.baseAddress!
            let wide = base, wideTarget = base + 2 * rowCount, row = base + 4 * rowCount
            let rowTarget = base + 5 * rowCount, wideGradient = base + 6 * rowCount
            widen(logits, into: wide)
            if case .probabilities(let targetLogits, _) = target {
                widen(targetLogits, into: wideTarget)
            }
            wideGradient.update(repeating: 0, count: 2 * rowCount)
            var sum = 0.0
            for labelRow in grid.labelRows(in: interval) {
                let lower = grid.lowerWeight(ofLabelRow: labelRow, in: interval)
                blend(wide, lower, into: row)
                if case .probabilities = target { blend(wideTarget, lower, into: rowTarget) }
                sum += compare(
                    row, target, labelRow, scratch: rowTarget, weights: base + 8 * rowCount)
                kernels.pointee.axpy(wideGradient, row, 1 - lower, rowCount)
                if logitRows == 2 {
                    kernels.pointee.axpy(wideGradient + rowCount, row, lower, rowCount)
                }
            }
            var resize = widening
            kernels.pointee.bilinear_adjoint(
                gradient, wideGradient, &resize, 0, logitRows, CK_OVERWRITE)
            return sum
        }
    }

    /// The interval's logit rows at label width.
    private func widen(
        _ logits: UnsafePointer<Float>, into wide: UnsafeMutablePointer<Float>
    ) {
        var resize = widening
        let first = (image * grid.height + interval) * grid.width * grid.classes
        kernels.pointee.bilinear_forward(wide, logits + first, &resize, 0, logitRows)
    }

    private var widening: ck_resize {
        ck_resize(
            batch: 1, in_height: logitRows, in_width: grid.width, out_height: logitRows,
            out_width: grid.labelWidth, channels: grid.classes)
    }

    private func blend(
        _ wide: UnsafePointer<Float>, _ lower: Float, into row: UnsafeMutablePointer<Float>
    ) {
        if logitRows == 1 {
            row.update(from: wide, count: rowCount)
        } else {
            kernels.pointee.mix(row, wide, wide + rowCount, 1 - lower, lower, rowCount)
        }
    }

    /// Replaces a row of logits by its gradient and gives its loss; `scratch` holds the target's logits
    /// where it has any.
    private func compare(
        _ row: UnsafeMutablePointer<Float>, _ target: UpsampledCrossEntropy.Target,
        _ labelRow: Int, scratch: UnsafeMutablePointer<Float>,
        weights: UnsafeMutablePointer<Float>
    ) -> Double {
        let width = grid.labelWidth, classes = grid.classes
        let pixel = image * grid.labelCount + labelRow * width
        var loss = 0.0
        switch target {
        case .labels(let labels):
            _ = kernels.pointee.cross_entropy_hard(
                row, &loss, row, labels + pixel, factor, width, classes)
        case .probabilities(_, let valid):
            for x in 0..<width { weights[x] = valid[pixel + x] == 0 ? 0 : 1 }
            kernels.pointee.softmax_rows(scratch, scratch, width, classes)
            kernels.pointee.cross_entropy_soft(
                row, &loss, row, scratch, weights, factor, width, classes)
        case .estimated(let estimation, let boxes, let valid):
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: width) { labels in
                let labels = labels.baseAddress!
                scratch.update(from: row, count: rowCount)
                estimation.labels(
                    into: labels, scores: scratch, boxes: boxes + pixel * classes,
                    valid: valid + pixel, count: width, classes: classes, kernels: kernels)
                for x in 0..<width where valid[pixel + x] == 0 {
                    labels[x] = UInt8(CK_IGNORED_LABEL)
                }
                _ = kernels.pointee.cross_entropy_hard(
                    row, &loss, row, labels, factor, width, classes)
            }
        }
        return loss
    }
}
