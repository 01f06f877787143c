import CKernels

extension Planner {
    /// A convolution of each channel by itself, in tiles of image rows.
    func lowerDepthwise(_ index: Int, weight: Parameter, window: Window) {
        let node = graph.nodes[index], input = node.inputs[0], x = value(input)
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
        emit("depthwise", reads: [x, packed], writes: [y], count: tiling.count) { tile in
            let rows = tiling.range(tile)
            withUnsafePointer(to: window) {
                kernels.pointee.depthwise_forward(
                    y.base, x.base, packed.base, $0, rows.lowerBound, rows.upperBound)
            }
        }
        onBackward(of: index) { [unowned self] dy in
            emitDepthwiseWeightGradient(weight, window, output: node.shape, x: x, dy: dy)
            guard wantsGradient(input) else { return }
            contribute(to: input) { dx in
                let tiling = Tiling.imageRows(shape)
                emit("depthwise input", reads: [dy, packed], writes: [dx], count: tiling.count) {
                    tile in
                    let rows = tiling.range(tile)
                    withUnsafePointer(to: window) {
                        kernels.pointee.depthwise_backward_data(
                            dx.base, dy.base, packed.base, $0, rows.lowerBound, rows.upperBound)
                    }
                }
            }
        }
    }

    private func emitDepthwiseWeightGradient(
        _ weight: Parameter, _ window: ck_window, output: Shape, x: Buffer, dy: Buffer
    ) {
        let taps = Int(window.kernel * window.kernel), channels = output.channels
        let size = taps * channels, kernels = kernels, arguments = arguments
        let tiling = Tiling.imageRows(output), offset = graph.offset(of: weight)
        let partials = buffer(tiling.count * size), total = buffer(3 * size)
        emit("depthwise weights", reads: [x, dy], writes: [partials], count: tiling.count) { tile in
            let rows = tiling.range(tile)
            withUnsafePointer(to: window) {
                kernels.pointee.depthwise_backward_weight(
                    partials.base + tile * size, x.base, dy.base, $0, rows.lowerBound,
                    rows.upperBound)
            }
        }
        emit("depthwise weights sum", reads: [partials], writes: [total], count: 1) { _ in
            addTiles(total.doubles, partials.base, count: tiling.count, width: size, kernels)
            let sum = total.base + 2 * size
            ck_round_totals(sum, total.doubles, 1, size)
            ck_transpose(arguments.gradients + offset, sum, taps, channels)
        }
    }
}

extension Tiling {
    /// Rows of images, `batch · height`.
    static func imageRows(_ shape: Shape) -> Tiling {
        even(shape.batch * shape.height, count: 16, limit: .max)
    }
}
