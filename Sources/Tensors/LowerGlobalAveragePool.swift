import CKernels

extension Planner {
    /// The mean over the grid of each image: tiles in float, their total in double.
    func lowerGlobalAveragePool(_ index: Int) {
        let input = graph.nodes[index].inputs[0], x = value(input), shape = graph.shape(of: input)
        let area = shape.height * shape.width, channels = shape.channels, kernels = kernels
        let tiling = Tiling.statisticRows(area), share = 1 / Double(area)
        let y = buffer(shape.batch * channels)
        let sums = buffer(shape.batch * tiling.count * channels)
        let totals = buffer(shape.batch * 2 * channels)
        define(index, y)
        emit("average", reads: [x], writes: [sums], count: shape.batch * tiling.count) { tile in
            let range = tiling.range(tile % tiling.count)
            let row = tile / tiling.count * area + range.lowerBound
            kernels.pointee.column_sums(
                sums.base + tile * channels, x.base + row * channels, range.count, channels)
        }
        emit("average sum", reads: [sums], writes: [y, totals], count: shape.batch) { image in
            let total = totals.doubles + image * channels
            addTiles(
                total, sums.base + image * tiling.count * channels, count: tiling.count,
                width: channels, kernels)
            ck_round_totals(y.base + image * channels, total, share, channels)
        }
        onBackward(of: index) { [unowned self] dy in
            guard wantsGradient(input) else { return }
            contribute(to: input) { dx in
                emit("average backward", reads: [dy], writes: [dx], count: shape.batch) { image in
                    kernels.pointee.broadcast_row(
                        dx.base + image * area * channels, dy.base + image * channels,
                        1 / Float(area), area, channels)
                }
            }
        }
    }
}
