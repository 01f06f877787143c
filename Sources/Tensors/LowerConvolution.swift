import CKernels

extension Window {
    /// The kernels' description of this window between two shapes.
    func kernel(from input: Shape, to output: Shape) -> ck_window {
        ck_window(
            batch: input.batch, in_height: input.height, in_width: input.width,
            out_height: output.height, out_width: output.width, channels: input.channels,
            kernel: size, stride: stride, dilation: dilation, padding: padding)
    }
}

/// A k×k convolution as products of gathered columns; the cut of its work depends on shapes alone.
struct WindowedProduct {
    let window: ck_window
    let outputs: Int
    /// `k² · I`: the width of a gathered row.
    let depth: Int
    /// Image rows, `batch · out_height`, shared out to lanes that each own scratch.
    let lanes: Tiling
    /// Image rows gathered at a time.
    let rowsAtOnce: Int

    init(_ window: Window, from input: Shape, to output: Shape) {
        self.window = window.kernel(from: input, to: output)
        outputs = output.channels
        depth = window.taps * input.channels
        lanes = .even(output.batch * output.height, count: 8, limit: .max)
        let fitting = (1 << 16) / (output.width * depth)
        rowsAtOnce = max(1, min(fitting, lanes.length))
    }

    var width: Int { Int(window.out_width) }
    /// Floats of one lane's scratch.
    var scratch: Int { rowsAtOnce * width * depth }

    /// Cuts a range of image rows into runs that fit the scratch.
    func runs(_ rows: Range<Int>) -> StrideTo<Int> {
        stride(from: rows.lowerBound, to: rows.upperBound, by: rowsAtOnce)
    }
}

extension Planner {
    /// A convolution with a window or a stride: gather columns, then multiply.
    func lowerConvolution(_ index: Int, weight: Parameter, bias: Parameter?, window: Window) {
        let node = graph.nodes[index], input = node.inputs[0], x = value(input)
        let product = WindowedProduct(window, from: graph.shape(of: input), to: node.shape)
        let y = buffer(node.shape.count), ordered = buffer(product.outputs * product.depth)
        let columns = buffer(product.lanes.count * product.scratch)
        define(index, y)
        emitReordering(of: weight, into: ordered, taps: window.taps)
        let factor = rightFactor(
            columns: product.outputs, depth: product.depth, .transposed, in: ordered
        ) { UnsafePointer(ordered.base) }
        let kernels = kernels, arguments = arguments
        let biasOffset = bias.map(graph.offset(of:))
        emit(
            "convolution", reads: [x] + factor.reads, writes: [y, columns],
            count: product.lanes.count
        ) { lane in
            let rows = product.lanes.range(lane)
            let scratch = columns.base + lane * product.scratch
            for row in product.runs(rows) {
                let end = min(row + product.rowsAtOnce, rows.upperBound)
                let count = (end - row) * product.width
                let out = y.base + row * product.width * product.outputs
                withUnsafePointer(to: product.window) {
                    kernels.pointee.im2col(scratch, x.base, $0, row, end)
                }
                factor.multiply(out, scratch, rows: count, store: .overwrite)
                if let biasOffset {
                    kernels.pointee.add_bias(
                        out, out, arguments.weights + biasOffset, CK_NONE, count, product.outputs)
                }
            }
        }
        onBackward(of: index) { [unowned self] dy in
            if let bias {
                emitBiasGradient(bias, dy, rows: node.shape.rows, channels: product.outputs)
            }
            emitWeightGradient(weight, product, x: x, dy: dy, taps: window.taps)
            if wantsGradient(input) { emitInputGradient(input, product, ordered, dy: dy) }
        }
    }

    /// `[O, I, k, k]` → `[O, k, k, I]`, the order of a gathered row.
    private func emitReordering(of weight: Parameter, into ordered: Buffer, taps: Int) {
        let shape = graph.declaration(of: weight).shape, offset = graph.offset(of: weight)
        let arguments = arguments
        emit("weights reordered", reads: [], writes: [ordered], count: 1) { _ in
            ck_weights_to_channels_last(
                ordered.base, arguments.weights + offset, shape[0], shape[1], taps)
        }
    }

    /// `dw = dyᵀ · columns(x)`, one partial sum per lane.
    private func emitWeightGradient(
        _ weight: Parameter, _ product: WindowedProduct, x: Buffer, dy: Buffer, taps: Int
    ) {
        let size = product.outputs * product.depth, kernels = kernels, arguments = arguments
        let products = products
        let partials = buffer(product.lanes.count * size), sum = buffer(size)
        let columns = buffer(product.lanes.count * product.scratch)
        emit(
            "convolution weights", reads: [x, dy], writes: [partials, columns],
            count: product.lanes.count
        ) { lane in
            let rows = product.lanes.range(lane)
            let scratch = columns.base + lane * product.scratch
            for row in product.runs(rows) {
                let end = min(row + product.rowsAtOnce, rows.upperBound)
                withUnsafePointer(to: product.window) {
                    kernels.pointee.im2col(scratch, x.base, $0, row, end)
                }
                products.transposedTimes(
                    partials.base + lane * size, dy.base + row * product.width * product.outputs,
                    scratch, m: product.outputs, n: product.depth,
                    k: (end - row) * product.width,
                    store: row == rows.lowerBound ? .overwrite : .accumulate)
            }
        }
        emitSum(of: partials, count: product.lanes.count, into: sum)
        let shape = graph.declaration(of: weight).shape, offset = graph.offset(of: weight)
        emit("convolution weights unpacked", reads: [sum], writes: [], count: 1) { _ in
            ck_weights_to_channels_first(
                arguments.gradients + offset, sum.base, shape[0], shape[1], taps)
        }
        finishGradient(of: weight)
    }

    /// `dx`, band by band of input rows: columns of the output rows that reach a band are computed
    /// anew for it, so no two bands write the same place.
    private func emitInputGradient(
        _ input: Value, _ product: WindowedProduct, _ ordered: Buffer, dy: Buffer
    ) {
        let shape = graph.shape(of: input), kernels = kernels
        let (dx, store) = gradientPlace(input)
        let factor = rightFactor(
            columns: product.depth, depth: product.outputs, .straight, in: ordered
        ) { UnsafePointer(ordered.base) }
        let bands = Tiling.even(
            shape.height, count: max(1, (8 + shape.batch - 1) / shape.batch), limit: .max,
            minimum: 2 * Int(product.window.padding) + 1)
        let count = bands.count * shape.batch
        let columns = buffer(count * product.scratch)
        emit(
            "convolution input",
            reads: [dy] + factor.reads + (store == .accumulate ? [dx] : []),
            writes: [dx, columns], count: count
        ) { tile in
            let image = tile / bands.count, band = bands.range(tile % bands.count)
            let reach = product.outputRows(reaching: band)
            let firstIn = image * shape.height, firstOut = image * Int(product.window.out_height)
            let scratch = columns.base + tile * product.scratch
            var store = store, row = reach.lowerBound
            repeat {
                let end = min(row + product.rowsAtOnce, reach.upperBound)
                if end > row {
                    factor.multiply(
                        scratch, dy.base + (firstOut + row) * product.width * product.outputs,
                        rows: (end - row) * product.width, store: .overwrite)
                }
                withUnsafePointer(to: product.window) {
                    kernels.pointee.col2im(
                        dx.base, scratch, $0, firstIn + band.lowerBound, firstIn + band.upperBound,
                        firstOut + row, firstOut + end, store.kernel)
                }
                store = .accumulate
                row = end
            } while row < reach.upperBound
        }
    }
}

extension WindowedProduct {
    /// The output rows of an image that read any input row of `band`.
    func outputRows(reaching band: Range<Int>) -> Range<Int> {
        let padding = Int(window.padding), step = Int(window.stride)
        let span = Int((window.kernel - 1) * window.dilation)
        let low = max(0, (band.lowerBound + padding - span + step - 1) / step)
        let high = min(Int(window.out_height), (band.upperBound - 1 + padding) / step + 1)
        return low..<max(low, high)
    }
}
