import CKernels

/// Bilinear resampling with aligned corners of raw buffers, and its adjoint.
public struct Resampling {
    public let input: Shape
    public let output: Shape
    private let pool: ThreadPool
    private let kernels: UnsafePointer<ck_table> = ck_kernels()

    /// The shapes must agree in batch and channels.
    public init(from input: Shape, to output: Shape, pool: ThreadPool) {
        precondition(
            input.batch == output.batch && input.channels == output.channels,
            "\(input) cannot be resampled to \(output)")
        self.input = input
        self.output = output
        self.pool = pool
    }

    /// `y` of the output's shape from `x` of the input's.
    public func forward(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>) {
        let resize = ck_resize(from: input, to: output)
        let tiling = Tiling.imageRows(output), kernels = kernels
        pool.run(count: tiling.count) { tile in
            let rows = tiling.range(tile)
            withUnsafePointer(to: resize) {
                kernels.pointee.bilinear_forward(y, x, $0, rows.lowerBound, rows.upperBound)
            }
        }
    }

    /// Overwrites `dx` of the input's shape with the adjoint of `dy` of the output's.
    public func adjoint(_ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>) {
        let resize = ck_resize(from: input, to: output)
        let tiling = Tiling.imageRows(input), kernels = kernels
        pool.run(count: tiling.count) { tile in
            let rows = tiling.range(tile)
            withUnsafePointer(to: resize) {
                kernels.pointee.bilinear_adjoint(
                    dx, dy, $0, rows.lowerBound, rows.upperBound, CK_OVERWRITE)
            }
        }
    }
}
