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

extension Planner {
    func lowerResize(_ index: Int, kind: ResizeKind) {
        let node = graph.nodes[index], input = node.inputs[0], x = value(input)
        let resize = ck_resize(from: graph.shape(of: input), to: node.shape)
        let y = buffer(node.shape.count), kernels = kernels
        define(index, y)
        let tiling = Tiling.imageRows(node.shape)
        emit("resize", reads: [x], writes: [y], count: tiling.count) { tile in
            let rows = tiling.range(tile)
            withUnsafePointer(to: resize) {
                let forward =
                    kind == .bilinear
                    ? kernels.pointee.bilinear_forward! : kernels.pointee.area_forward!
                forward(y.base, x.base, $0, rows.lowerBound, rows.upperBound)
            }
        }
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
