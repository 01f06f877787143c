import CKernels
import Tensors

/// Finds the largest magnitude in a buffer and whether all of it is finite.
struct GradientScan {
    /// Elements per tile: about the size of a second-level cache.
    private static let tileCount = 1 << 17

    let pool: ThreadPool

    func callAsFunction(_ values: UnsafeBufferPointer<Float>) -> (maximum: Float, finite: Bool) {
        let tiles = (values.count + Self.tileCount - 1) / Self.tileCount
        var maxima = [Float](repeating: 0, count: tiles)
        var finite = [Int32](repeating: 1, count: tiles)
        let kernels = pool.kernels.pointee
        maxima.withUnsafeMutableBufferPointer { maxima in
            finite.withUnsafeMutableBufferPointer { finite in
                // Sendable: each tile writes its own element; the pool joins before they are read.
                nonisolated(unsafe) let maxima = maxima, finite = finite, values = values
                pool.run(count: tiles) { tile in
                    let first = tile * Self.tileCount
                    let count = min(Self.tileCount, values.count - first)
                    finite[tile] = kernels.scan_finite(
                        &maxima[tile], values.baseAddress! + first, count)
                }
            }
        }
        return (maxima.max() ?? 0, finite.allSatisfy { $0 == 1 })
    }
}
