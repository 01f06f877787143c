import CKernels

/// The output of a batch norm that is not kept: a function of its input and the layer's constants.
///
/// Written anew, row by row, for each stage that reads it: cheaper than a pass through memory.
struct NormalisedRows {
    let x: Buffer
    let constants: NormConstants
    let arguments: StepArguments
    let kernels: UnsafePointer<ck_table>

    /// What a stage reads that writes such rows.
    var sources: [Buffer] { [x, constants.mean, constants.inverseDeviation] }

    /// Writes rows of `channels` values, counted over batch, height and width.
    func write(_ rows: Range<Int>, to out: UnsafeMutablePointer<Float>) {
        kernels.pointee.batch_norm_apply(
            out, x.base + rows.lowerBound * constants.channels, constants.mean.base,
            constants.inverseDeviation.base, arguments.weights + constants.gamma,
            arguments.weights + constants.beta, constants.activation, rows.count,
            constants.channels)
    }
}

/// A value for a stage that reads it by rows.
enum InputRows {
    case plain(Buffer)
    case normalised(NormalisedRows)

    /// What a stage reads that reads these rows.
    var sources: [Buffer] {
        switch self {
        case .plain(let buffer): [buffer]
        case .normalised(let rows): rows.sources
        }
    }
}

extension Planner {
    /// A stage over tiles of rows, each in runs that stay in a core's cache together with what else
    /// lies beside them: `width` floats a row.
    ///
    /// `body` gets the input's values from the first of `rows` on, the rows, and the tile; a tile's rows
    /// come in order.
    func emitRows(
        _ name: String, of x: InputRows, width: Int, _ tiling: Tiling, reads: [Buffer],
        writes: [Buffer],
        _ body: @escaping (_ x: UnsafePointer<Float>, _ rows: Range<Int>, _ tile: Int) -> Void
    ) {
        let runs = Tiling.cachedRows(tiling.length, width: width)
        func forEachRun(of tile: Int, _ visit: (Range<Int>) -> Void) {
            let rows = tiling.range(tile)
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: runs.length) {
                visit(first..<min(first + runs.length, rows.upperBound))
            }
        }
        switch x {
        case .plain(let buffer):
            let channels = buffer.count / tiling.total
            emit(name, reads: [buffer] + reads, writes: writes, count: tiling.count) { tile in
                forEachRun(of: tile) { body(buffer.base + $0.lowerBound * channels, $0, tile) }
            }
        case .normalised(let source):
            emit(
                name, reads: source.sources + reads, writes: writes, count: tiling.count,
                scratch: runs.length * source.constants.channels
            ) { tile, scratch in
                forEachRun(of: tile) {
                    source.write($0, to: scratch)
                    body(scratch, $0, tile)
                }
            }
        }
    }
}

/// The constants of one batch norm's layer in the flat buffers and in the arena.
struct NormConstants {
    let mean, inverseDeviation: Buffer
    let gamma, beta: Int
    let channels, rows: Int
    let activation: ck_activation
}
