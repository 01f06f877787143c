import CKernels
import Datasets
import Tensors

/// Logits or probabilities of one image, `[height, width, channels]`; owns its memory.
final class ScoreMap {
    let size: PixelSize
    let channels: Int
    let base: UnsafeMutablePointer<Float>

    /// A map of zeros.
    init(_ size: PixelSize, channels: Int) {
        self.size = size
        self.channels = channels
        base = .allocate(capacity: size.count * channels)
        base.initialize(repeating: 0, count: size.count * channels)
    }

    deinit { base.deallocate() }

    /// Adds the softmax of `part`, which it overwrites; `mirrored` where `part` is of the image in
    /// a mirror, so that its columns run backwards.
    func addSoftmax(of part: ScoreMap, mirrored: Bool, _ resampling: ImageResampling) {
        precondition(part.size == size && part.channels == channels, "\(part.size) into \(size)")
        let width = size.width, channels = channels, rowCount = width * channels
        let kernels = resampling.pool.kernels.pointee
        // Sendable: each tile writes its own rows, and the pool joins before they are read.
        nonisolated(unsafe) let part = part.base, sum = base
        resampling.run(rows: size.height) { rows in
            for y in rows {
                let row = part + y * rowCount, out = sum + y * rowCount
                kernels.softmax_rows(row, row, width, channels)
                if !mirrored { kernels.accumulate(out, row, rowCount) }
                for x in 0..<(mirrored ? width : 0) {
                    kernels.accumulate(
                        out + (width - 1 - x) * channels, row + x * channels, channels)
                }
            }
        }
    }

    /// The channel of the largest value in each pixel of the top left part of `size`.
    func argmax(within size: PixelSize, _ resampling: ImageResampling) -> LabelMap {
        precondition(
            size.height <= self.size.height && size.width <= self.size.width,
            "\(size) within \(self.size)")
        let stride = self.size.width * channels, channels = channels
        let kernels = resampling.pool.kernels.pointee
        var labels = [UInt8](repeating: 0, count: size.count)
        labels.withUnsafeMutableBufferPointer { labels in
            // Sendable: each tile writes its own rows, and the pool joins before they are read.
            nonisolated(unsafe) let labels = labels.baseAddress!, scores = base
            resampling.run(rows: size.height) { rows in
                for y in rows {
                    kernels.argmax_rows(
                        labels + y * size.width, scores + y * stride, size.width, channels)
                }
            }
        }
        return LabelMap(size: size, labels: labels)
    }
}

extension PixelSize {
    /// Extent of the logits that a network gives for an image of this size.
    var atStride4: PixelSize {
        PixelSize(height: (height - 1) / 4 + 1, width: (width - 1) / 4 + 1)
    }
}
