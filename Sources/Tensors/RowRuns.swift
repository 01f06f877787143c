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

/// The gradient of a batch norm's input that is not kept, likewise written by its reader.
struct NormGradientRows {
    enum Statistics { case ofBatch, constant }

    let x: Buffer
    /// The gradient of the output.
    let dy: Buffer
    /// Means over the rows: of dy, then of dy · x̂.
    let means: Buffer
    let statistics: Statistics
    let constants: NormConstants
    let arguments: StepArguments
    let kernels: UnsafePointer<ck_table>

    /// What a stage reads that writes such rows.
    var sources: [Buffer] { [x, dy, means, constants.mean, constants.inverseDeviation] }

    /// Writes rows of `channels` values, counted over batch, height and width.
    func write(_ rows: Range<Int>, to out: UnsafeMutablePointer<Float>) {
        let first = rows.lowerBound * constants.channels
        let sums = statistics == .ofBatch ? UnsafePointer(means.base) : nil
        kernels.pointee.batch_norm_backward_apply(
            out, x.base + first, dy.base + first, constants.mean.base,
            constants.inverseDeviation.base, arguments.weights + constants.gamma,
            arguments.weights + constants.beta, sums, sums.map { $0 + constants.channels },
            constants.activation, rows.count, constants.channels)
    }
}

/// The gradient of an output for a stage that reads it by rows.
enum GradientRows {
    case plain(Buffer)
    case normalised(NormGradientRows)

    /// What a stage reads that reads these rows.
    var sources: [Buffer] {
        switch self {
        case .plain(let buffer): [buffer]
        case .normalised(let rows): rows.sources
        }
    }
}

/// Runs of rows as a stage gets them: where they lie, or written to a thread's scratch.
struct RowRuns {
    private enum Source {
        case plain(Buffer)
        case written((Range<Int>, UnsafeMutablePointer<Float>) -> Void)
    }

    private let source: Source
    /// What the rows are read or written from: one or two matrices of `channels` columns.
    private let origins: (Buffer, Buffer?)
    let channels: Int
    let sources: [Buffer]
    /// Floats of scratch that a row takes.
    var scratch: Int { if case .plain = source { 0 } else { channels } }

    init(_ rows: InputRows, channels: Int) {
        self.channels = channels
        sources = rows.sources
        switch rows {
        case .plain(let buffer):
            source = .plain(buffer)
            origins = (buffer, nil)
        case .normalised(let rows):
            source = .written { rows.write($0, to: $1) }
            origins = (rows.x, nil)
        }
    }

    init(_ rows: GradientRows, channels: Int) {
        self.channels = channels
        sources = rows.sources
        switch rows {
        case .plain(let buffer):
            source = .plain(buffer)
            origins = (buffer, nil)
        case .normalised(let rows):
            source = .written { rows.write($0, to: $1) }
            origins = (rows.x, rows.dy)
        }
    }

    /// What is read for these rows, and before them of other values, for a product to fetch.
    func ahead(
        _ rows: Range<Int>, after others: (values: RowRuns, rows: Range<Int>)? = nil
    ) -> ck_ahead {
        let first = rows.lowerBound * channels, count = rows.count * channels
        var ahead = ck_ahead()
        if let others { ahead.first = others.values.ahead(others.rows).second }
        ahead.second = ck_floats(start: origins.0.base + first, count: count)
        if let other = origins.1 {
            ahead.third = ck_floats(start: other.base + first, count: count)
        }
        return ahead
    }

    /// The values of the rows, from the first one on.
    func values(
        of rows: Range<Int>, in scratch: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        switch source {
        case .plain(let buffer): return UnsafePointer(buffer.base + rows.lowerBound * channels)
        case .written(let write):
            write(rows, scratch)
            return UnsafePointer(scratch)
        }
    }

    /// Where the values of rows lie that were written to `scratch` run by run, or need not be.
    func written(
        _ rows: Range<Int>, in scratch: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        if case .plain = source { values(of: rows, in: scratch) } else { UnsafePointer(scratch) }
    }
}

/// What else is done with the rows that a stage has written, while they lie in the core's cache.
final class RowHook {
    /// Rows are handed on in whole units of this many, counted from the first row.
    let unit: Int
    /// The stage that calls.
    let stage: Int
    /// Units that are not handed on, since two tiles write them: for the stage's successor.
    let unitsLeft: [Int]
    /// Called with rows as soon as they are written, from a multiple of `unit` on; set while the plan is
    /// compiled.
    var body: ((Range<Int>) -> Void)?
    private let rowCount: Int

    /// - Parameter starts: the first rows of the stage's tiles, ascending.
    init(unit: Int, stage: Int, rowCount: Int, starts: [Int]) {
        self.unit = unit
        self.stage = stage
        self.rowCount = rowCount
        var left: [Int] = []
        for border in starts where border % unit != 0 && left.last != border / unit {
            left.append(border / unit)
        }
        unitsLeft = left
    }

    convenience init(unit: Int, stage: Int, tiles: Tiling) {
        self.init(unit: unit, stage: stage, rowCount: tiles.total, starts: tiles.starts)
    }

    /// Hands on the whole units among rows.
    func handOn(_ rows: Range<Int>) {
        let first = (rows.lowerBound + unit - 1) / unit * unit
        let end = rows.upperBound == rowCount ? rowCount : rows.upperBound / unit * unit
        if first < end { body?(first..<end) }
    }

    /// The rows of a unit.
    func rows(ofUnit index: Int) -> Range<Int> {
        index * unit..<min((index + 1) * unit, rowCount)
    }

    /// Calls `visit` with the numbers and rows of the units of a run.
    func forEachUnit(of rows: Range<Int>, _ visit: (_ unit: Int, _ rows: Range<Int>) -> Void) {
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: unit) {
            visit(first / unit, first..<min(first + unit, rows.upperBound))
        }
    }
}

extension Planner {
    /// A stage of products over tiles of rows, each in runs that stay in a core's cache.
    ///
    /// `body` gets the input's values from the first of `rows` on, the rows, and those that are likely to
    /// come next; a tile's rows come in order. Tiles are multiples of `unit`, and so are runs.
    func emitRuns(
        _ name: String, of x: RowRuns, _ tiling: Tiling, unit: Int, reads: [Buffer],
        writes: [Buffer],
        _ body:
            @escaping (
                _ x: UnsafePointer<Float>, _ rows: Range<Int>, _ next: Range<Int>
            ) -> Void
    ) -> RowHook {
        let runs = Tiling.freshRows(tiling.length, width: x.channels).aligned(to: unit)
        let tileRuns = TileRuns(tiling: tiling, runLength: runs.length, threadCount: threadCount)
        let hook = RowHook(unit: unit, stage: stages.count, tiles: tiling)
        emitProducts(
            name, reads: x.sources + reads, writes: writes, count: tiling.count,
            scratch: runs.length * x.scratch
        ) { tile, scratch in
            tileRuns.forEach(of: tile) { rows, next in
                body(x.values(of: rows, in: scratch), rows, next)
                hook.body?(rows)
            }
        }
        return hook
    }

    /// A stage of two products over tiles of rows: one of the rows of `dy`, in runs that stay in a core's
    /// cache, and one that sums over the rows of `dy` and `x`, in fewer and longer runs.
    func emitRuns(
        _ name: String, of x: RowRuns, and dy: RowRuns, _ tiling: Tiling, unit: Int,
        reads: [Buffer], writes: [Buffer],
        ofRows body:
            @escaping (
                _ dy: UnsafePointer<Float>, _ rows: Range<Int>, _ next: Range<Int>
            ) -> Void,
        overRows sum:
            @escaping (
                _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ rows: Range<Int>,
                _ tile: Int
            ) -> Void
    ) -> RowHook {
        let long = Tiling.cachedRows(tiling.length, width: x.channels + dy.channels)
            .aligned(to: unit)
        let short = Tiling.freshRows(long.length, width: (x.channels + dy.channels) / 2)
            .aligned(to: unit)
        let tileRuns = TileRuns(tiling: tiling, runLength: long.length, threadCount: threadCount)
        let hook = RowHook(unit: unit, stage: stages.count, tiles: tiling)
        let second = long.length * x.scratch
        emitProducts(
            name, reads: x.sources + dy.sources + reads, writes: writes, count: tiling.count,
            scratch: second + long.length * dy.scratch
        ) { tile, scratch in
            tileRuns.forEach(of: tile) { rows, following in
                let gradients = scratch + second
                rows.forEachRun(of: short.length, before: following) { part, next in
                    let place = gradients + (part.lowerBound - rows.lowerBound) * dy.scratch
                    body(dy.values(of: part, in: place), part, next)
                    hook.body?(part)
                }
                sum(
                    x.values(of: rows, in: scratch), dy.written(rows, in: gradients), rows, tile)
            }
        }
        return hook
    }
}

/// Tiles of rows, each cut into runs.
private struct TileRuns {
    let tiling: Tiling
    let runLength: Int
    let threadCount: Int

    /// Calls `visit` with the tile's runs in order, and with the run that the thread is likely to read
    /// after each, which may be empty.
    func forEach(of tile: Int, _ visit: (_ rows: Range<Int>, _ next: Range<Int>) -> Void) {
        let following = tile + threadCount
        tiling.range(tile).forEachRun(
            of: runLength, before: following < tiling.count ? tiling.range(following) : 0..<0,
            visit)
    }
}

extension Range<Int> {
    /// Calls `visit` with runs of `length` in order, and with the one that follows each: of these rows, or
    /// of those that come `before` nothing else.
    fileprivate func forEachRun(
        of length: Int, before following: Range<Int>,
        _ visit: (_ rows: Range<Int>, _ next: Range<Int>) -> Void
    ) {
        for first in stride(from: lowerBound, to: upperBound, by: length) {
            let end = Swift.min(first + length, upperBound)
            let rest = end < upperBound ? end..<upperBound : following
            visit(first..<end, rest.prefix(length))
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
