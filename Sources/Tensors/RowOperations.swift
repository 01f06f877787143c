import CKernels

extension ThreadPool {
    /// `out[r] = softmax(logits[r])` over `[rows, classes]`; `out` may be `logits`.
    public func softmax(
        _ out: UnsafeMutablePointer<Float>, _ logits: UnsafePointer<Float>, rows: Int, classes: Int
    ) {
        let tiling = Tiling.even(rows, count: 16, limit: 4096, minimum: 64)
        let kernels = ck_kernels()!
        run(count: tiling.count) { tile in
            let range = tiling.range(tile), first = range.lowerBound * classes
            kernels.pointee.softmax_rows(out + first, logits + first, range.count, classes)
        }
    }

    /// `out[r]` is the index of the largest of row r's `classes` logits, the first of equals.
    public func argmax(
        _ out: UnsafeMutablePointer<UInt8>, _ logits: UnsafePointer<Float>, rows: Int, classes: Int
    ) {
        let tiling = Tiling.even(rows, count: 16, limit: 4096, minimum: 64)
        let kernels = ck_kernels()!
        run(count: tiling.count) { tile in
            let range = tiling.range(tile)
            kernels.pointee.argmax_rows(
                out + range.lowerBound, logits + range.lowerBound * classes, range.count, classes)
        }
    }

    /// `out = weights.0 · a + weights.1 · b`, element by element; `out` may be either.
    public func mix(
        _ out: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        weights: (Float, Float), count: Int
    ) {
        let tiling = Tiling.elements(count), kernels = ck_kernels()!
        run(count: tiling.count) { tile in
            let range = tiling.range(tile), first = range.lowerBound
            kernels.pointee.mix(
                out + first, a + first, b + first, weights.0, weights.1, range.count)
        }
    }

    /// `sum += term`, element by element.
    public func accumulate(
        _ sum: UnsafeMutablePointer<Float>, _ term: UnsafePointer<Float>, count: Int
    ) {
        let tiling = Tiling.elements(count), kernels = ck_kernels()!
        run(count: tiling.count) { tile in
            let range = tiling.range(tile), first = range.lowerBound
            kernels.pointee.accumulate(sum + first, term + first, range.count)
        }
    }
}
