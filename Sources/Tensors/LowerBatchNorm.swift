import CKernels

extension Planner {
    func lowerBatchNorm(_ index: Int, _ norm: Operation.BatchNorm) {
        let node = graph.nodes[index], input = node.inputs[0], x = value(input)
        let channels = node.shape.channels
        let constants = NormConstants(
            mean: buffer(channels), inverseDeviation: buffer(channels),
            gamma: graph.offset(of: norm.gamma), beta: graph.offset(of: norm.beta),
            channels: channels, rows: node.shape.rows, activation: norm.activation.kernel)
        let batchStatistics = mode == .training && constants.rows > 1
        let variance = batchStatistics ? buffer(channels) : nil
        if let variance {
            emitBatchStatistics(norm, constants, of: input, unbiasedVariance: variance, x: x)
        } else {
            emitRunningStatistics(norm, constants)
        }
        define(
            index,
            NormalisedRows(x: x, constants: constants, arguments: arguments, kernels: kernels))
        onBackward(of: index) { [unowned self] dy in
            emitSlotStatistics(norm, constants, unbiasedVariance: variance)
            emitNormBackward(
                index, constants, x: x, dy: dy,
                statistics: batchStatistics ? .ofBatch : .constant)
        }
    }

    /// Mean and deviation of the batch: tiles of sums around the running mean, totals in double.
    private func emitBatchStatistics(
        _ norm: Operation.BatchNorm, _ constants: NormConstants, of input: Value,
        unbiasedVariance: Buffer, x: Buffer
    ) {
        let channels = constants.channels, rows = constants.rows
        let tiling = Tiling.statisticRows(rows), kernels = kernels, arguments = arguments
        let sums = buffer(tiling.count * 2 * channels), totals = buffer(4 * channels)
        let shift = graph.offset(of: norm.mean), epsilon = Double(norm.epsilon)
        emitTiles(
            "norm statistics", of: tiling, after: rowHook(of: input, unit: tiling.length),
            reads: [x], writes: sums
        ) { tile, range in
            let sum = sums.base + tile * 2 * channels
            kernels.pointee.batch_norm_sums(
                sum, sum + channels, x.base + range.lowerBound * channels,
                arguments.statistics + shift, range.count, channels)
        }
        emit(
            "norm statistics sum", reads: [sums],
            writes: [totals, constants.mean, constants.inverseDeviation, unbiasedVariance],
            count: 1
        ) { _ in
            addTiles(totals.doubles, sums.base, count: tiling.count, width: 2 * channels, kernels)
            ck_batch_norm_statistics(
                constants.mean.base, constants.inverseDeviation.base, unbiasedVariance.base,
                totals.doubles, totals.doubles + channels, arguments.statistics + shift, epsilon,
                rows, channels)
        }
    }

    /// Tiles of rows as a stage of their own, or one by one within the stage that writes the rows but for
    /// those that two of its tiles write.
    private func emitTiles(
        _ name: String, of tiling: Tiling, after hook: RowHook?, reads: [Buffer], writes: Buffer,
        _ body: @escaping (_ tile: Int, _ rows: Range<Int>) -> Void
    ) {
        guard let hook else {
            return emit(name, reads: reads, writes: [writes], count: tiling.count) { tile in
                body(tile, tiling.range(tile))
            }
        }
        for buffer in reads + [writes] { buffer.touch(hook.stage) }
        hook.body = { [unowned hook] rows in hook.forEachUnit(of: rows, body) }
        let left = hook.unitsLeft
        guard !left.isEmpty else { return }
        emit(name, reads: reads, writes: [writes], count: left.count) { index in
            body(left[index], hook.rows(ofUnit: left[index]))
        }
    }

    private func emitRunningStatistics(_ norm: Operation.BatchNorm, _ constants: NormConstants) {
        let mean = graph.offset(of: norm.mean), variance = graph.offset(of: norm.variance)
        let arguments = arguments, epsilon = Double(norm.epsilon)
        emit(
            "norm running statistics", reads: [],
            writes: [constants.mean, constants.inverseDeviation], count: 1
        ) { _ in
            constants.mean.base.update(
                from: arguments.statistics + mean, count: constants.channels)
            ck_inverse_deviation(
                constants.inverseDeviation.base, arguments.statistics + variance, epsilon,
                constants.channels)
        }
    }

    /// Writes the whole output, over the input where nobody else reads that.
    func normalise(_ rows: NormalisedRows, of value: Value) -> Buffer {
        let input = graph.nodes[value.index].inputs[0]
        let y = mayOverwrite(input) ? rows.x : buffer(rows.x.count)
        let tiling = Tiling.statisticRows(rows.constants.rows)
        let channels = rows.constants.channels
        emit("norm", reads: rows.sources, writes: [y], count: tiling.count) { tile in
            let range = tiling.range(tile)
            rows.write(range, to: y.base + range.lowerBound * channels)
        }
        return y
    }

    /// Reports the slot's mean and unbiased variance, or the running ones where nothing is updated.
    private func emitSlotStatistics(
        _ norm: Operation.BatchNorm, _ constants: NormConstants, unbiasedVariance: Buffer?
    ) {
        let mean = graph.offset(of: norm.mean), variance = graph.offset(of: norm.variance)
        let arguments = arguments, channels = constants.channels
        emit(
            "norm slot statistics", reads: [constants.mean] + (unbiasedVariance.map { [$0] } ?? []),
            writes: [], count: 1
        ) { _ in
            (arguments.batchStatistics + mean).update(from: constants.mean.base, count: channels)
            let source = unbiasedVariance.map { UnsafePointer($0.base) }
            (arguments.batchStatistics + variance).update(
                from: source ?? arguments.statistics + variance, count: channels)
        }
    }

    private func emitNormBackward(
        _ index: Int, _ constants: NormConstants, x: Buffer, dy: Buffer,
        statistics: NormGradientRows.Statistics
    ) {
        let means = buffer(2 * constants.channels), input = graph.nodes[index].inputs[0]
        emitNormBackwardSums(index, constants, means: means, x: x, dy: dy)
        guard wantsGradient(input) else { return }
        contribute(
            to: input,
            NormGradientRows(
                x: x, dy: dy, means: means, statistics: statistics, constants: constants,
                arguments: arguments, kernels: kernels))
    }

    /// Writes the whole gradient; `dx` may be `dy`.
    func emitNormBackward(_ rows: NormGradientRows, to dx: Buffer) {
        let tiling = Tiling.statisticRows(rows.constants.rows)
        let channels = rows.constants.channels
        emit("norm backward", reads: rows.sources, writes: [dx], count: tiling.count) { tile in
            let range = tiling.range(tile)
            rows.write(range, to: dx.base + range.lowerBound * channels)
        }
    }

    /// The gradients of β and γ, and their means over the rows.
    private func emitNormBackwardSums(
        _ index: Int, _ constants: NormConstants, means: Buffer, x: Buffer, dy: Buffer
    ) {
        let channels = constants.channels, rows = constants.rows
        let tiling = Tiling.statisticRows(rows), kernels = kernels, arguments = arguments
        let sums = buffer(tiling.count * 2 * channels), totals = buffer(4 * channels)
        emitTiles(
            "norm backward sums", of: tiling, after: gradientHook(of: index, unit: tiling.length),
            reads: [x, dy, constants.mean, constants.inverseDeviation], writes: sums
        ) { tile, range in
            let first = range.lowerBound * channels
            let sum = sums.base + tile * 2 * channels
            kernels.pointee.batch_norm_backward_sums(
                sum, sum + channels, x.base + first, dy.base + first, constants.mean.base,
                constants.inverseDeviation.base, arguments.weights + constants.gamma,
                arguments.weights + constants.beta, constants.activation, range.count, channels)
        }
        emit("norm backward sums total", reads: [sums], writes: [totals, means], count: 1) { _ in
            addTiles(totals.doubles, sums.base, count: tiling.count, width: 2 * channels, kernels)
            ck_round_totals(arguments.gradients + constants.beta, totals.doubles, 1, channels)
            ck_round_totals(
                arguments.gradients + constants.gamma, totals.doubles + channels, 1, channels)
            ck_round_totals(means.base, totals.doubles, 1 / Double(rows), 2 * channels)
        }
        for weight in graph.nodes[index].operation.parameters where weight.role == .weight {
            finishGradient(of: weight)
        }
    }
}
