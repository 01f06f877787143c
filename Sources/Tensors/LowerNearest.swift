import CKernels

/// The source of each position along one axis of a nearest resampling with aligned corners.
private struct NearestAxis {
    let input: Int
    let output: Int

    /// `position · (input − 1) / (output − 1)`, halves rounded up, in integers.
    func source(_ position: Int) -> Int {
        let steps = output - 1
        return steps == 0 ? 0 : (2 * position * (input - 1) + steps) / (2 * steps)
    }
}

extension Planner {
    /// Copies of the nearest positions; the adjoint adds, position by position, within an image.
    func lowerNearest(_ index: Int) {
        let node = graph.nodes[index], input = node.inputs[0], x = value(input)
        let from = graph.shape(of: input), to = node.shape, channels = to.channels
        let vertical = NearestAxis(input: from.height, output: to.height)
        let horizontal = NearestAxis(input: from.width, output: to.width)
        let y = buffer(to.count), tiling = Tiling.imageRows(to), kernels = kernels
        define(index, y)
        let source = { (row: Int, column: Int) in
            let image = row / to.height, sourceRow = vertical.source(row % to.height)
            let position = (image * from.height + sourceRow) * from.width
            return (position + horizontal.source(column)) * channels
        }
        emit("resize", reads: [x], writes: [y], count: tiling.count) { tile in
            for row in tiling.range(tile) {
                for column in 0..<to.width {
                    (y.base + (row * to.width + column) * channels)
                        .update(from: x.base + source(row, column), count: channels)
                }
            }
        }
        onBackward(of: index) { [unowned self] dy in
            guard wantsGradient(input) else { return }
            contribute(to: input) { dx in
                emit("resize adjoint", reads: [dy], writes: [dx], count: to.batch) { image in
                    let size = from.height * from.width * channels
                    (dx.base + image * size).update(repeating: 0, count: size)
                    for row in image * to.height..<(image + 1) * to.height {
                        for column in 0..<to.width {
                            kernels.pointee.accumulate(
                                dx.base + source(row, column),
                                dy.base + (row * to.width + column) * channels, channels)
                        }
                    }
                }
            }
        }
    }
}
