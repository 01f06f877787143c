import CKernels

/// What multiplies matrices; the two differ in the last bits.
public enum ProductEngine: Sendable {
    /// Our own kernels: the same bits on every processor.
    case native
    /// The library, one thread per call; its bits depend on the processor.
    case openBLAS

    /// To be called once at start; throws ``OpenBLAS/WrongBuild`` where that library is the engine.
    public func prepare() throws {
        if self == .openBLAS { try OpenBLAS.prepare() }
    }
}

/// Products of row-major matrices without gaps between rows.
struct MatrixProduct {
    let engine: ProductEngine
    let kernels: UnsafePointer<ck_table>

    /// `c[m, n] (+)= a[k, m]ᵀ · b[k, n]`.
    func transposedTimes(
        _ c: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        m: Int, n: Int, k: Int, store: Store
    ) {
        switch engine {
        case .openBLAS:
            OpenBLAS.transposedTimes(c, a, b, m: m, n: n, k: k, store: store)
        case .native:
            var product = ck_product(
                rows: m, columns: n, depth: k, c_stride: n, a_stride: m, b_stride: n,
                store: store.kernel)
            kernels.pointee.multiply_transposed(c, a, b, &product)
        }
    }
}

/// A matrix `b[depth, columns]` that many rows are multiplied by, as one engine wants it.
struct RightFactor {
    /// How the matrix lies in memory.
    enum Layout {
        /// `[depth, columns]`
        case straight
        /// `[columns, depth]`, as weights `[outputs, inputs]` do in the forward direction.
        case transposed
    }

    let product: MatrixProduct
    let columns: Int
    let depth: Int
    let layout: Layout
    /// The matrix as it lies.
    let source: () -> UnsafePointer<Float>
    /// The matrix in the order of the native kernels; nil for OpenBLAS, which packs by itself.
    let packed: Buffer?
    /// What a stage reads that multiplies by this matrix.
    let reads: [Buffer]

    /// `c[rows, columns] (+)= a[rows, depth] · b`.
    func multiply(
        _ c: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, rows: Int, store: Store
    ) {
        guard let packed else {
            return OpenBLAS.times(
                c, a, source(), layout, m: rows, n: columns, k: depth, store: store)
        }
        var shape = ck_product(
            rows: rows, columns: columns, depth: depth, c_stride: columns, a_stride: depth,
            b_stride: 0, store: store.kernel)
        product.kernels.pointee.multiply(c, a, packed.base, &shape)
    }

    /// Packs some of the panels.
    fileprivate func pack(_ panels: Range<Int>, into packed: Buffer) {
        let panel = Int(CK_PANEL), first = panels.lowerBound * panel
        let count = min(panels.upperBound * panel, columns) - first
        let out = packed.base + first * depth, kernels = product.kernels
        switch layout {
        case .straight:
            kernels.pointee.pack(out, source() + first, columns, count, depth)
        case .transposed:
            kernels.pointee.pack_transposed(out, source() + first * depth, depth, count, depth)
        }
    }
}

extension Planner {
    /// Readies a matrix for the stages that multiply by it: packs it once where the engine is native.
    ///
    /// `buffer` is where the matrix lies, nil if it is among the weights.
    func rightFactor(
        columns: Int, depth: Int, _ layout: RightFactor.Layout, in buffer: Buffer?,
        _ source: @escaping () -> UnsafePointer<Float>
    ) -> RightFactor {
        let place = buffer.map { [$0] } ?? []
        guard products.engine == .native else {
            return RightFactor(
                product: products, columns: columns, depth: depth, layout: layout, source: source,
                packed: nil, reads: place)
        }
        let packed = self.buffer(ck_packed_count(columns, depth))
        let factor = RightFactor(
            product: products, columns: columns, depth: depth, layout: layout, source: source,
            packed: packed, reads: [packed])
        let panels = (columns + Int(CK_PANEL) - 1) / Int(CK_PANEL)
        let tiling = Tiling.even(panels, count: 8, limit: .max)
        let pack = { (tile: Int) in factor.pack(tiling.range(tile), into: packed) }
        if let buffer {
            emit(
                "weights packed", reads: [buffer], writes: [packed], count: tiling.count, pack)
        } else {
            emitBesideLastProducts(
                "weights packed", writes: [packed], count: tiling.count, pack)
        }
        return factor
    }
}
