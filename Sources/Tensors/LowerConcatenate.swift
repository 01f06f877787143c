import CKernels

extension Planner {
    /// Channels side by side, by copies of row segments.
    func lowerConcatenate(_ index: Int) {
        let node = graph.nodes[index], shape = node.shape, kernels = kernels
        let parts = node.inputs.map { (value($0), graph.shape(of: $0).channels) }
        let y = buffer(shape.count), tiling = Tiling.statisticRows(shape.rows)
        define(index, y)
        emit("concatenate", reads: parts.map(\.0), writes: [y], count: tiling.count) { tile in
            let rows = tiling.range(tile)
            var out = y.base + rows.lowerBound * shape.channels
            for (x, channels) in parts {
                kernels.pointee.copy_columns(
                    out, shape.channels, x.base + rows.lowerBound * channels, channels, rows.count,
                    channels)
                out += channels
            }
        }
        onBackward(of: index) { [unowned self] dy in
            var column = 0
            for input in node.inputs {
                if wantsGradient(input) { emitSplit(dy, of: shape, column: column, to: input) }
                column += graph.shape(of: input).channels
            }
        }
    }

    private func emitSplit(_ dy: Buffer, of shape: Shape, column: Int, to input: Value) {
        let (dx, store) = gradientPlace(input), channels = graph.shape(of: input).channels
        let tiling = Tiling.statisticRows(shape.rows), kernels = kernels
        emit(
            "split", reads: [dy] + (store == .accumulate ? [dx] : []), writes: [dx],
            count: tiling.count
        ) { tile in
            let rows = tiling.range(tile)
            let out = dx.base + rows.lowerBound * channels
            let source = dy.base + rows.lowerBound * shape.channels + column
            switch store {
            case .overwrite:
                kernels.pointee.copy_columns(
                    out, channels, source, shape.channels, rows.count, channels)
            case .accumulate:
                kernels.pointee.accumulate_columns(
                    out, channels, source, shape.channels, rows.count, channels)
            }
        }
    }
}
