import CKernels

/// What a concatenation gets its columns from.
enum ConcatenatedPart {
    case plain(Buffer)
    case normalised(NormalisedRows)
    case resized(ResizedRows)

    /// What a stage reads that writes such columns.
    var sources: [Buffer] {
        switch self {
        case .plain(let buffer): [buffer]
        case .normalised(let rows): rows.sources
        case .resized(let rows): [rows.x]
        }
    }

    /// An image row of `width` positions: where it lies, or written to `scratch`.
    func row(
        _ row: Int, width: Int, channels: Int, in scratch: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        switch self {
        case .plain(let buffer): return UnsafePointer(buffer.base + row * width * channels)
        case .normalised(let rows): rows.write(row * width..<(row + 1) * width, to: scratch)
        case .resized(let rows): rows.write(row..<row + 1, to: scratch)
        }
        return UnsafePointer(scratch)
    }
}

extension Planner {
    /// Channels side by side: parts that are left to their reader pass by a core's cache alone, the
    /// others are copied.
    func lowerConcatenate(_ index: Int) {
        let node = graph.nodes[index], shape = node.shape, kernels = kernels
        let parts = node.inputs.map { (part($0), graph.shape(of: $0).channels) }
        let y = buffer(shape.count), tiling = Tiling.imageRows(shape)
        define(index, y)
        emit(
            "concatenate", reads: parts.flatMap(\.0.sources), writes: [y], count: tiling.count,
            scratch: shape.width * shape.channels
        ) { tile, scratch in
            for row in tiling.range(tile) {
                var out = y.base + row * shape.width * shape.channels
                for (part, channels) in parts {
                    let x = part.row(row, width: shape.width, channels: channels, in: scratch)
                    kernels.pointee.copy_columns(
                        out, shape.channels, x, channels, shape.width, channels)
                    out += channels
                }
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
