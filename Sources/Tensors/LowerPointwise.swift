import CKernels

extension Planner {
    /// A 1×1 convolution: `y[rows, O] = x[rows, I] · w[O, I]ᵀ + bias`.
    func lowerPointwise(_ index: Int, weight: Parameter, bias: Parameter?) {
        let node = graph.nodes[index], input = node.inputs[0], x = self.rows(of: input)
        let rows = node.shape.rows, outputs = node.shape.channels
        let inputs = graph.shape(of: input).channels
        let y = buffer(node.shape.count)
        define(index, y)
        let unit = Tiling.statisticRows(rows).length
        let tiling = Tiling.productRows(rows).aligned(to: unit), arguments = arguments,
            kernels = kernels
        let weightOffset = graph.offset(of: weight), biasOffset = bias.map(graph.offset(of:))
        let factor = rightFactor(columns: outputs, depth: inputs, .transposed, in: nil) {
            arguments.weights + weightOffset
        }
        let runs = RowRuns(x, channels: inputs)
        let hook = emitRuns(
            "pointwise", of: runs, tiling, unit: unit, reads: factor.reads, writes: [y]
        ) { x, range, next in
            let out = y.base + range.lowerBound * outputs
            factor.multiply(
                out, x, rows: range.count, store: .overwrite, ahead: runs.ahead(next))
            if let biasOffset {
                kernels.pointee.add_bias(
                    out, out, arguments.weights + biasOffset, Activation.none.kernel, range.count,
                    outputs)
            }
        }
        noteRows(of: index, written: hook)
        guard let bias else {
            return onBackwardByRows(of: index) { [unowned self] dy in
                emitPointwiseBackward(
                    index, weight: weight, x: runs, dy: RowRuns(dy, channels: outputs))
            }
        }
        onBackward(of: index) { [unowned self] dy in
            emitBiasGradient(bias, dy, rows: rows, channels: outputs)
            emitPointwiseBackward(
                index, weight: weight, x: runs,
                dy: RowRuns(GradientRows.plain(dy), channels: outputs))
        }
    }

    /// `dx = dy · w` and `dw = dyᵀ · x`, in one stage so that `dy` is written once for both.
    private func emitPointwiseBackward(
        _ index: Int, weight: Parameter, x xRuns: RowRuns, dy dyRuns: RowRuns
    ) {
        let input = graph.nodes[index].inputs[0]
        let rows = graph.nodes[index].shape.rows, outputs = graph.nodes[index].shape.channels
        let inputs = graph.shape(of: input).channels, size = outputs * inputs
        let unit = Tiling.statisticRows(rows).length
        let tiling = Tiling.weightGradientRows(rows).aligned(to: unit), arguments = arguments,
            products = products
        let partials = buffer(tiling.count * size), offset = graph.offset(of: weight)
        let dx = wantsGradient(input) ? gradientPlace(input) : nil
        let sum = dx.map { $0.store == .accumulate ? [$0.buffer] : [] } ?? []
        let factor = dx.map { _ in
            rightFactor(columns: inputs, depth: outputs, .straight, in: nil) {
                arguments.weights + offset
            }
        }
        let hook = emitRuns(
            "pointwise backward", of: xRuns, and: dyRuns, tiling, unit: unit,
            reads: sum + (factor?.reads ?? []),
            writes: [partials] + (dx.map { [$0.buffer] } ?? []),
            ofRows: { dy, rows, next in
                guard let dx, let factor else { return }
                factor.multiply(
                    dx.buffer.base + rows.lowerBound * inputs, dy, rows: rows.count,
                    store: dx.store, ahead: dyRuns.ahead(next, after: (xRuns, rows)))
            },
            overRows: { x, dy, rows, tile in
                let isFirst = rows.lowerBound == tiling.range(tile).lowerBound
                products.transposedTimes(
                    partials.base + tile * size, dy, x, m: outputs, n: inputs, k: rows.count,
                    store: isFirst ? .overwrite : .accumulate)
            })
        if dx?.store == .overwrite { noteGradientRows(of: input, written: hook) }
        emitGradient(of: weight, from: partials, count: tiling.count)
    }
}
