import CKernels

/// How a grid is resampled.
enum ResizeKind { case bilinear, area }

extension ck_resize {
    init(from input: Shape, to output: Shape) {
        self.init(
            batch: input.batch, in_height: input.height, in_width: input.width,
            out_height: output.height, out_width: output.width, channels: input.channels)
    }
}

/// The output of a change of size that is not kept, written by its reader like ``NormalisedRows``.
struct ResizedRows {
    let x: Buffer
    let resize: ck_resize
    let kind: ResizeKind
    let kernels: UnsafePointer<ck_table>

    /// Writes image rows, `batch · height`; `out` is where the first of them goes.
    func write(_ rows: Range<Int>, to out: UnsafeMutablePointer<Float>) {
        let whole = out - rows.lowerBound * Int(resize.out_width * resize.channels)
        withUnsafePointer(to: resize) {
            let forward =
                kind == .bilinear
                ? kernels.pointee.bilinear_forward! : kernels.pointee.area_forward!
            forward(whole, x.base, $0, rows.lowerBound, rows.upperBound)
        }
    }
}

extension Planner {
    /// Writes the whole output.
    func resize(_ rows: ResizedRows, of value: Value) -> Buffer {
        let shape = graph.shape(of: value), y = buffer(shape.count)
        let tiling = Tiling.imageRows(shape), stripe = shape.width * shape.channels
        emit("resize", reads: [rows.x], writes: [y], count: tiling.count) { tile in
            let range = tiling.range(tile)
            rows.write(range, to: y.base + range.lowerBound * stripe)
        }
        return y
    }

    func lowerResize(_ index: Int, kind: ResizeKind) {
        let node = graph.nodes[index], input = node.inputs[0], x = value(input)
        let resize = ck_resize(from: graph.shape(of: input), to: node.shape), kernels = kernels
        define(index, ResizedRows(x: x, resize: resize, kind: kind, kernels: kernels))
        onBackward(of: index) { [unowned self] dy in
            guard wantsGradient(input) else { return }
            let (dx, store) = gradientPlace(input)
            let tiling = Tiling.imageRows(graph.shape(of: input))
            emit(
                "resize adjoint", reads: [dy] + (store == .accumulate ? [dx] : []), writes: [dx],
                count: tiling.count
            ) { tile in
                let rows = tiling.range(tile)
                withUnsafePointer(to: resize) {
                    let adjoint =
                        kind == .bilinear
                        ? kernels.pointee.bilinear_adjoint! : kernels.pointee.area_adjoint!
                    adjoint(
                        dx.base, dy.base, $0, rows.lowerBound, rows.upperBound, store.kernel)
                }
            }
        }
    }
}
