import CKernels
import Datasets
import Tensors

/// Row operations on `[height, width, channels]` maps, shared out over a pool in fixed tiles.
struct ImageResampling {
    /// Output rows of one tile.
    private static let tileRows = 8

    let pool: ThreadPool

    /// Bilinear with aligned corners.
    func bilinear(
        _ source: UnsafePointer<Float>, _ from: PixelSize,
        into target: UnsafeMutablePointer<Float>, _ to: PixelSize, channels: Int
    ) {
        let resize = ck_resize(
            batch: 1, in_height: from.height, in_width: from.width, out_height: to.height,
            out_width: to.width, channels: channels)
        let kernels = pool.kernels.pointee
        // Sendable: each tile writes its own rows, and the pool joins before they are read.
        nonisolated(unsafe) let source = source, target = target
        run(rows: to.height) { rows in
            withUnsafePointer(to: resize) {
                kernels.bilinear_forward(target, source, $0, rows.lowerBound, rows.upperBound)
            }
        }
    }

    /// Calls `body` for each tile of rows.
    func run(rows: Int, _ body: (Range<Int>) -> Void) {
        withoutActuallyEscaping(body) { body in
            pool.run(count: (rows + Self.tileRows - 1) / Self.tileRows) { tile in
                body(tile * Self.tileRows..<min((tile + 1) * Self.tileRows, rows))
            }
        }
    }

    /// The nearest source value of each target pixel, aligned corners, halves rounded up.
    static func nearest(
        _ source: [Float], _ from: PixelSize, to: PixelSize, channels: Int
    ) -> [Float] {
        guard from != to else { return source }
        func index(_ i: Int, _ input: Int, _ output: Int) -> Int {
            output == 1 ? 0 : (2 * i * (input - 1) + output - 1) / (2 * (output - 1))
        }
        var target = [Float]()
        target.reserveCapacity(to.count * channels)
        for y in 0..<to.height {
            let row = index(y, from.height, to.height) * from.width
            for x in 0..<to.width {
                let start = (row + index(x, from.width, to.width)) * channels
                target += source[start..<start + channels]
            }
        }
        return target
    }

    /// The map seen in a mirror: columns in reverse order.
    static func mirrored(_ source: [Float], _ size: PixelSize, channels: Int) -> [Float] {
        var target = [Float]()
        target.reserveCapacity(source.count)
        for y in 0..<size.height {
            for x in (0..<size.width).reversed() {
                let start = (y * size.width + x) * channels
                target += source[start..<start + channels]
            }
        }
        return target
    }
}
