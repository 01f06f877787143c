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

/// The constants of one batch norm's layer in the flat buffers and in the arena.
struct NormConstants {
    let mean, inverseDeviation: Buffer
    let gamma, beta: Int
    let channels, rows: Int
    let activation: ck_activation
}
