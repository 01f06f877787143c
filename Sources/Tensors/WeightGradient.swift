import CKernels

extension Tiling {
    /// Rows of one partial sum of a weight gradient.
    package static func weightGradientRows(_ rows: Int) -> Tiling {
        even(rows, count: rows >= 16384 ? 16 : rows >= 4096 ? 8 : 4, limit: .max, minimum: 128)
    }

    /// Rows whose `width` columns stay in a core's own cache from the time they are written or fetched
    /// until a product reads them, beside its other operands.
    package static func freshRows(_ rows: Int, width: Int) -> Tiling {
        even(rows, count: 1, limit: max(48, 40960 / width))
    }

    /// Rows that a product sums over at a time.
    package static func cachedRows(_ rows: Int, width: Int) -> Tiling {
        // Fewer would spend their time on the sums rather than the products.
        let limit = max(256, (1 << 17) / width)
        return even(rows, count: 1, limit: limit)
    }
}

extension Planner {
    /// Adds the partial gradients of a weight in order, beside the products that follow.
    func emitGradient(of weight: Parameter, from partials: Buffer, count: Int) {
        let offset = graph.offset(of: weight), arguments = arguments, kernels = kernels
        let tiling = Tiling.elements(partials.count / count)
        emitBesideNextProducts(
            "weight gradient sum", reads: [partials], finishing: weight, count: tiling.count
        ) {
            addPartials(
                arguments.gradients + offset, partials, count: count, tiling.range($0), kernels)
        }
    }

    /// `out = Σ_p partials[p]`, one chain per element in the order of p.
    func emitSum(of partials: Buffer, count: Int, into out: Buffer) {
        let tiling = Tiling.elements(out.count), kernels = kernels
        emit("weight gradient sum", reads: [partials], writes: [out], count: tiling.count) {
            addPartials(out.base, partials, count: count, tiling.range($0), kernels)
        }
    }

    /// The column sums of `dy[rows, channels]`: tiles in float, their total in double.
    func emitBiasGradient(_ bias: Parameter, _ dy: Buffer, rows: Int, channels: Int) {
        let tiling = Tiling.statisticRows(rows), kernels = kernels, arguments = arguments
        let sums = buffer(tiling.count * channels), total = buffer(2 * channels)
        let offset = graph.offset(of: bias)
        emit("bias gradient", reads: [dy], writes: [sums], count: tiling.count) { tile in
            let range = tiling.range(tile)
            kernels.pointee.column_sums(
                sums.base + tile * channels, dy.base + range.lowerBound * channels, range.count,
                channels)
        }
        emit("bias gradient sum", reads: [sums], writes: [total], count: 1) { _ in
            addTiles(total.doubles, sums.base, count: tiling.count, width: channels, kernels)
            ck_round_totals(arguments.gradients + offset, total.doubles, 1, channels)
        }
        finishGradient(of: bias)
    }
}

/// Elements `range` of `out = Σ_p partials[p]`, one chain per element in the order of p.
private func addPartials(
    _ out: UnsafeMutablePointer<Float>, _ partials: Buffer, count: Int, _ range: Range<Int>,
    _ kernels: UnsafePointer<ck_table>
) {
    let size = partials.count / count
    // So few at a time that the sums stay in the first-level cache.
    let atOnce = 2048
    for first in stride(from: range.lowerBound, to: range.upperBound, by: atOnce) {
        let sum = out + first, length = min(atOnce, range.upperBound - first)
        sum.update(from: partials.base + first, count: length)
        for partial in 1..<max(count, 1) {
            kernels.pointee.accumulate(sum, partials.base + partial * size + first, length)
        }
    }
}

/// `total[c] = Σ_t tiles[t, c]` in double, in the order of t.
func addTiles(
    _ total: UnsafeMutablePointer<Double>, _ tiles: UnsafePointer<Float>, count: Int, width: Int,
    _ kernels: UnsafePointer<ck_table>
) {
    total.update(repeating: 0, count: width)
    for tile in 0..<count {
        kernels.pointee.accumulate_double(total, tiles + tile * width, width)
    }
}
