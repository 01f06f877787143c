import CKernels

/// A depthwise convolution's rows of output, cut into bands whose input fits a core's cache.
private struct DepthwiseBands {
    struct Band {
        /// Rows of output, of one image.
        let output: Range<Int>
        /// Rows of input that they read.
        let input: Range<Int>
    }

    let window: ck_window
    let rowsAtOnce: Int

    init(_ window: ck_window) {
        self.window = window
        let width = Int(window.in_width * window.channels * window.stride)
        rowsAtOnce = max(1, min(Int(window.out_height), (1 << 17) / width))
    }

    private var reach: Int { Int((window.kernel - 1) * window.dilation) }

    /// Values of a row of input.
    var rowCount: Int { Int(window.in_width * window.channels) }

    /// Floats of the input of the largest band.
    var scratch: Int {
        let rows = (rowsAtOnce - 1) * Int(window.stride) + reach + 1
        return min(rows, Int(window.in_height)) * rowCount
    }

    /// Calls `body` for the bands of these rows of output, in order.
    func forEach(of rows: Range<Int>, _ body: (Band) -> Void) {
        let height = Int(window.out_height)
        var row = rows.lowerBound
        while row < rows.upperBound {
            let image = row / height
            let end = min(row + rowsAtOnce, rows.upperBound, (image + 1) * height)
            body(Band(output: row..<end, input: input(of: row..<end, image: image)))
            row = end
        }
    }

    private func input(of rows: Range<Int>, image: Int) -> Range<Int> {
        let outHeight = Int(window.out_height), inHeight = Int(window.in_height)
        let stride = Int(window.stride), padding = Int(window.padding)
        let top = (rows.lowerBound - image * outHeight) * stride - padding
        let bottom = (rows.upperBound - 1 - image * outHeight) * stride - padding + reach
        let first = min(max(top, 0), inHeight - 1)
        let last = max(min(bottom, inHeight - 1), first)
        return image * inHeight + first..<image * inHeight + last + 1
    }
}

extension Planner {
    /// A convolution of each channel by itself, in tiles of image rows.
    func lowerDepthwise(_ index: Int, weight: Parameter, window: Window) {
        let node = graph.nodes[index], input = node.inputs[0], x = rows(of: input)
        let shape = graph.shape(of: input), kernels = kernels, arguments = arguments
        let window = window.kernel(from: shape, to: node.shape)
        let taps = Int(window.kernel * window.kernel)
        let y = buffer(node.shape.count), packed = buffer(taps * shape.channels)
        define(index, y)
        let offset = graph.offset(of: weight)
        emit("depthwise weights packed", reads: [], writes: [packed], count: 1) { _ in
            ck_transpose(packed.base, arguments.weights + offset, shape.channels, taps)
        }
        let tiling = Tiling.imageRows(node.shape)
        let written = WrittenImageRows(node.shape, tiling, stage: stages.count)
        noteRows(of: index, written: written.hook)
        emitBands("depthwise", of: x, window, tiling, reads: [packed], writes: [y]) {
            x, firstRow, rows, tile in
            withUnsafePointer(to: window) {
                kernels.pointee.depthwise_forward(
                    y.base, x, firstRow, packed.base, $0, rows.lowerBound, rows.upperBound)
            }
            written.handOn(rows, tile)
        }
        onBackward(of: index) { [unowned self] dy in
            emitDepthwiseWeightGradient(weight, window, output: node.shape, x: x, dy: dy)
            guard wantsGradient(input) else { return }
            emitDepthwiseInputGradient(input, window, weights: packed, dy: dy)
        }
    }

    private func emitDepthwiseInputGradient(
        _ input: Value, _ window: ck_window, weights: Buffer, dy: Buffer
    ) {
        let shape = graph.shape(of: input), tiling = Tiling.imageRows(shape), kernels = kernels
        let (place, store) = gradientPlace(input)
        let dx = store == .accumulate ? buffer(place.count) : place
        let written = WrittenImageRows(shape, tiling, stage: stages.count)
        if store == .overwrite { noteGradientRows(of: input, written: written.hook) }
        emit("depthwise input", reads: [dy, weights], writes: [dx], count: tiling.count) { tile in
            written.forEachPart(of: tiling.range(tile)) { rows in
                withUnsafePointer(to: window) {
                    kernels.pointee.depthwise_backward_data(
                        dx.base, dy.base, weights.base, $0, rows.lowerBound, rows.upperBound)
                }
                written.handOn(rows, tile)
            }
        }
        if store == .accumulate { accumulate(place, dx) }
    }

    /// A stage over tiles of output rows.
    ///
    /// `body` gets the input from `firstRow` on, the rows of output that it may compute of it, and the
    /// tile; a tile's rows come in order.
    private func emitBands(
        _ name: String, of x: InputRows, _ window: ck_window, _ tiling: Tiling, reads: [Buffer],
        writes: [Buffer],
        _ body:
            @escaping (
                _ x: UnsafePointer<Float>, _ firstRow: Int, _ rows: Range<Int>, _ tile: Int
            ) -> Void
    ) {
        let bands = DepthwiseBands(window)
        switch x {
        case .plain(let buffer):
            emit(name, reads: [buffer] + reads, writes: writes, count: tiling.count) { tile in
                bands.forEach(of: tiling.range(tile)) { body(buffer.base, 0, $0.output, tile) }
            }
        case .normalised(let source):
            let width = Int(window.in_width)
            emit(
                name, reads: source.sources + reads, writes: writes, count: tiling.count,
                scratch: bands.scratch
            ) { tile, scratch in
                bands.forEach(of: tiling.range(tile)) { band in
                    let positions =
                        band.input.lowerBound * width..<band.input.upperBound * width
                    source.write(positions, to: scratch)
                    body(scratch, band.input.lowerBound, band.output, tile)
                }
            }
        }
    }

    private func emitDepthwiseWeightGradient(
        _ weight: Parameter, _ window: ck_window, output: Shape, x: InputRows, dy: Buffer
    ) {
        let taps = Int(window.kernel * window.kernel), channels = output.channels
        let size = taps * channels, kernels = kernels, arguments = arguments
        let tiling = Tiling.imageRows(output), offset = graph.offset(of: weight)
        let partials = buffer(tiling.count * size), total = buffer(3 * size)
        emitBands("depthwise weights", of: x, window, tiling, reads: [dy], writes: [partials]) {
            x, firstRow, rows, tile in
            let isFirst = rows.lowerBound == tiling.range(tile).lowerBound
            withUnsafePointer(to: window) {
                kernels.pointee.depthwise_backward_weight(
                    partials.base + tile * size, x, firstRow, dy.base, $0, rows.lowerBound,
                    rows.upperBound, isFirst ? CK_OVERWRITE : CK_ACCUMULATE)
            }
        }
        emit("depthwise weights sum", reads: [partials], writes: [total], count: 1) { _ in
            addTiles(total.doubles, partials.base, count: tiling.count, width: size, kernels)
            let sum = total.base + 2 * size
            ck_round_totals(sum, total.doubles, 1, size)
            ck_transpose(arguments.gradients + offset, sum, taps, channels)
        }
        finishGradient(of: weight)
    }
}

/// The rows of images that a stage writes tile by tile, handed on as rows of channels while they lie in
/// the core's cache.
private struct WrittenImageRows {
    let hook: RowHook
    private let tiling: Tiling
    private let width: Int
    private let rowsAtOnce: Int

    init(_ shape: Shape, _ tiling: Tiling, stage: Int) {
        self.tiling = tiling
        width = shape.width
        rowsAtOnce = max(1, (1 << 17) / (shape.width * shape.channels))
        hook = RowHook(
            unit: Tiling.statisticRows(shape.rows).length, stage: stage,
            tiles: Tiling(total: shape.rows, length: tiling.length * shape.width))
    }

    /// Cuts a tile into parts that fit the cache.
    func forEachPart(of tile: Range<Int>, _ visit: (Range<Int>) -> Void) {
        for first in stride(from: tile.lowerBound, to: tile.upperBound, by: rowsAtOnce) {
            visit(first..<min(first + rowsAtOnce, tile.upperBound))
        }
    }

    /// Hands on what became whole by these image rows; a tile's rows come in order.
    func handOn(_ rows: Range<Int>, _ tile: Int) {
        let begun = tiling.range(tile).lowerBound * width, first = rows.lowerBound * width
        // The unit that the rows before ended in, unless another tile wrote its beginning.
        let unitStart = first / hook.unit * hook.unit
        hook.handOn(max(unitStart, begun)..<rows.upperBound * width)
    }
}

extension Tiling {
    /// Rows of images, `batch · height`.
    static func imageRows(_ shape: Shape) -> Tiling {
        even(shape.batch * shape.height, count: 16, limit: .max)
    }
}
