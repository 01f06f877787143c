import CKernels

/// What multiplies matrices; they differ in their bits.
public enum ProductEngine: Sendable {
    /// Our own kernels: the same bits on every processor.
    case native
    /// Our own kernels on operands rounded to bfloat16, with sums in float32: the same bits on every
    /// processor that has the instruction of this order.
    case nativeBFloat16(BFloat16Order)
    /// The library, one thread per call; its bits depend on the processor.
    case openBLAS

    /// To be called once at start, with the kernels that shall compute.
    ///
    /// Throws ``OpenBLAS/WrongBuild`` where that library is the engine, and ``MissingBFloat16``.
    public func prepare(_ kernels: UnsafePointer<ck_table>) throws {
        switch self {
        case .native: break
        case .nativeBFloat16(let order):
            guard order.products(beside: kernels) != nil else {
                throw MissingBFloat16(order, kernels)
            }
        case .openBLAS: try OpenBLAS.prepare()
        }
    }
}

/// In which order products of bfloat16 are summed, hence by which instruction: each has bits of its own.
public enum BFloat16Order: Sendable, CaseIterable {
    /// Two terms after the others, by vdpbf16ps.
    case pairs
    /// Thirty-two terms to a sum of their own, by tdpbf16ps.
    case tiles

    /// The `precision` that asks for it.
    public var precision: String {
        switch self {
        case .pairs: "bf16"
        case .tiles: "bf16-amx"
        }
    }

    /// What it asks of a machine.
    public var requirement: String {
        switch self {
        case .pairs: "a processor with AVX-512 BF16, and --isa auto or avx512"
        case .tiles: "a processor and a kernel with AMX BF16, and --isa auto or avx512"
        }
    }

    /// The products beside a table of kernels; nil where there are none.
    public func products(
        beside kernels: UnsafePointer<ck_table>
    ) -> UnsafePointer<ck_bfloat16_table>? {
        switch self {
        case .pairs: ck_bfloat16_beside(kernels)
        case .tiles: ck_bfloat16_tiles_beside(kernels)
        }
    }
}

/// The processor, or the level of the kernels that was chosen, has no products of bfloat16 in some order.
public struct MissingBFloat16: Error, CustomStringConvertible {
    /// What was asked for.
    public let order: BFloat16Order
    /// The level of the kernels.
    public let level: String

    init(_ order: BFloat16Order, _ kernels: UnsafePointer<ck_table>) {
        self.order = order
        level = String(cString: kernels.pointee.name)
    }

    /// What is missing, where, and what to do.
    public var description: String {
        "precision: \(order.precision) needs \(order.requirement); this process computes with "
            + "\(level) kernels and no such instruction: use precision: float32, or other machines"
    }
}

/// Products of row-major matrices without gaps between rows.
struct MatrixProduct {
    let engine: ProductEngine
    let kernels: UnsafePointer<ck_table>
    /// Nil also where a plan is measured but cannot be run.
    private let bfloat16: UnsafePointer<ck_bfloat16_table>?

    init(_ engine: ProductEngine, _ kernels: UnsafePointer<ck_table>) {
        self.engine = engine
        self.kernels = kernels
        bfloat16 =
            if case .nativeBFloat16(let order) = engine { order.products(beside: kernels) } else {
                nil
            }
    }

    /// The kernels of ``ProductEngine/nativeBFloat16(_:)``.
    var bfloat16Kernels: UnsafePointer<ck_bfloat16_table> {
        guard let bfloat16 else {
            preconditionFailure(
                "no products of \(engine) beside \(String(cString: kernels.pointee.name))")
        }
        return bfloat16
    }

    /// Words of a packed right factor; nil for OpenBLAS, which packs by itself.
    func packedCount(columns: Int, depth: Int) -> Int? {
        switch engine {
        case .native: ck_packed_count(columns, depth)
        case .nativeBFloat16: ck_bfloat16_packed_count(columns, depth)
        case .openBLAS: nil
        }
    }

    /// `c[m, n] (+)= a[k, m]ᵀ · b[k, n]`.
    func transposedTimes(
        _ c: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        m: Int, n: Int, k: Int, store: Store
    ) {
        var product = ck_product(
            rows: m, columns: n, depth: k, c_stride: n, a_stride: m, b_stride: n,
            store: store.kernel, ahead: ck_ahead())
        switch engine {
        case .native: kernels.pointee.multiply_transposed(c, a, b, &product)
        case .nativeBFloat16: bfloat16Kernels.pointee.multiply_transposed(c, a, b, &product)
        case .openBLAS: OpenBLAS.transposedTimes(c, a, b, m: m, n: n, k: k, store: store)
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

    /// `c[rows, columns] (+)= a[rows, depth] · b`; `ahead` is what is read next.
    func multiply(
        _ c: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, rows: Int, store: Store,
        ahead: ck_ahead = ck_ahead()
    ) {
        guard let packed else {
            return OpenBLAS.times(
                c, a, source(), layout, m: rows, n: columns, k: depth, store: store)
        }
        var shape = ck_product(
            rows: rows, columns: columns, depth: depth, c_stride: columns, a_stride: depth,
            b_stride: 0, store: store.kernel, ahead: ahead)
        if case .nativeBFloat16 = product.engine {
            product.bfloat16Kernels.pointee.multiply(c, a, packed.words, &shape)
        } else {
            product.kernels.pointee.multiply(c, a, packed.base, &shape)
        }
    }

    /// Packs some of the panels.
    fileprivate func pack(_ panels: Range<Int>, into packed: Buffer) {
        let panel = Int(CK_PANEL), first = panels.lowerBound * panel
        let count = min(panels.upperBound * panel, columns) - first
        if case .nativeBFloat16 = product.engine {
            let out = packed.words + first * ((depth + 1) / 2), kernels = product.bfloat16Kernels
            switch layout {
            case .straight:
                kernels.pointee.pack(out, source() + first, columns, count, depth)
            case .transposed:
                kernels.pointee.pack_transposed(out, source() + first * depth, depth, count, depth)
            }
        } else {
            let out = packed.base + first * depth, kernels = product.kernels
            switch layout {
            case .straight:
                kernels.pointee.pack(out, source() + first, columns, count, depth)
            case .transposed:
                kernels.pointee.pack_transposed(out, source() + first * depth, depth, count, depth)
            }
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
        guard let packedCount = products.packedCount(columns: columns, depth: depth) else {
            return RightFactor(
                product: products, columns: columns, depth: depth, layout: layout, source: source,
                packed: nil, reads: place)
        }
        let packed = self.buffer(packedCount)
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
