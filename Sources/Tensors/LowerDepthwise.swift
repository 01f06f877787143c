import CKernels

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
        let tiling = Tiling.imageRows(node.shape), bands = DepthwiseBands(window, values: 1 << 17)
        let runs = ImageRows(RowRuns(x, channels: shape.channels), width: shape.width)
        let written = WrittenImageRows(node.shape, starts: tiling.starts, stage: stages.count)
        noteRows(of: index, written: written.hook)
        emit(
            "depthwise", reads: runs.sources + [packed], writes: [y], count: tiling.count,
            scratch: runs.scratch(rows: bands.inputRows)
        ) { tile, scratch in
            var input = runs.reader(in: scratch)
            bands.forEach(of: tiling.range(tile)) { band in
                let x = input.values(of: band.input)
                withUnsafePointer(to: window) {
                    kernels.pointee.depthwise_forward(
                        y.base, x, input.firstRow, packed.base, $0, band.output.lowerBound,
                        band.output.upperBound)
                }
                written.handOn(band.output, tile)
            }
        }
        onBackwardByRows(of: index) { [unowned self] dy in
            emitDepthwiseBackward(
                index, weight, window, packed: packed, x: runs,
                dy: ImageRows(RowRuns(dy, channels: shape.channels), width: node.shape.width))
        }
    }

    /// The gradients of the weights and of the input, band by band so that what both read lies in the
    /// core's cache.
    private func emitDepthwiseBackward(
        _ index: Int, _ weight: Parameter, _ window: ck_window, packed: Buffer, x: ImageRows,
        dy: ImageRows
    ) {
        let output = graph.nodes[index].shape, input = graph.nodes[index].inputs[0]
        let size = Int(window.kernel * window.kernel) * output.channels
        let tiling = Tiling.imageRows(output), bands = DepthwiseBands(window, values: 1 << 16)
        let partials = buffer(tiling.count * size), kernels = kernels
        let dx = wantsGradient(input) ? gradientPlace(input) : nil
        // What is added to a gradient that is there already.
        let term = dx.map { $0.store == .accumulate ? buffer($0.buffer.count) : $0.buffer }
        let written = WrittenImageRows(
            graph.shape(of: input), starts: tiling.starts.map(bands.firstInput(of:)),
            stage: stages.count)
        if dx?.store == .overwrite { noteGradientRows(of: input, written: written.hook) }
        let second = x.scratch(rows: bands.inputRows)
        emit(
            "depthwise backward", reads: x.sources + dy.sources + [packed],
            writes: [partials] + (term.map { [$0] } ?? []), count: tiling.count,
            scratch: second + dy.scratch(rows: bands.rowsAround)
        ) { tile, scratch in
            let range = tiling.range(tile), gradient = partials.base + tile * size
            var input = x.reader(in: scratch), output = dy.reader(in: scratch + second)
            bands.forEach(of: range) { band in
                let x = input.values(of: band.input), dy = output.values(of: band.around)
                withUnsafePointer(to: window) { window in
                    kernels.pointee.depthwise_backward_weight(
                        gradient, x, input.firstRow, dy, output.firstRow, window,
                        band.output.lowerBound, band.output.upperBound,
                        band.output.lowerBound == range.lowerBound ? CK_OVERWRITE : CK_ACCUMULATE)
                    guard let term else { return }
                    kernels.pointee.depthwise_backward_data(
                        term.base, dy, output.firstRow, packed.base, window,
                        band.ownInput.lowerBound, band.ownInput.upperBound)
                }
                if term != nil { written.handOn(band.ownInput, tile) }
            }
        }
        if let dx, let term, dx.store == .accumulate { accumulate(dx.buffer, term) }
        emitDepthwiseWeightSum(
            weight, partials, count: tiling.count, taps: size / output.channels,
            channels: output.channels)
    }

    /// The sum of the tiles' parts in double, in the order of the weights.
    private func emitDepthwiseWeightSum(
        _ weight: Parameter, _ partials: Buffer, count: Int, taps: Int, channels: Int
    ) {
        let size = taps * channels, total = buffer(3 * size), offset = graph.offset(of: weight)
        let kernels = kernels, arguments = arguments
        emit("depthwise weights sum", reads: [partials], writes: [total], count: 1) { _ in
            addTiles(total.doubles, partials.base, count: count, width: size, kernels)
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
    /// The first positions of the tiles.
    private let starts: [Int]
    private let width: Int

    /// - Parameter starts: the first image rows of the tiles, ascending.
    init(_ shape: Shape, starts: [Int], stage: Int) {
        width = shape.width
        self.starts = starts.map { $0 * shape.width }
        hook = RowHook(
            unit: Tiling.statisticRows(shape.rows).length, stage: stage, rowCount: shape.rows,
            starts: self.starts)
    }

    /// Hands on what became whole by these image rows; a tile's rows come in order.
    func handOn(_ rows: Range<Int>, _ tile: Int) {
        let first = rows.lowerBound * width
        // The unit that the rows before ended in, unless another tile wrote its beginning.
        let unitStart = first / hook.unit * hook.unit
        hook.handOn(max(unitStart, starts[tile])..<rows.upperBound * width)
    }
}

extension Tiling {
    /// Rows of images, `batch · height`; many enough that those which two tiles read are few.
    static func imageRows(_ shape: Shape) -> Tiling {
        even(shape.batch * shape.height, count: 16, limit: .max, minimum: 7)
    }
}
