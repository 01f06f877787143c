import CKernels
import Testing

/// Products of bfloat16: the kernels, their twins, and what both are.
@Suite("Products of bfloat16")
struct BFloat16Tests {
    enum Order: CaseIterable {
        case pairs, tiles

        var twin: ck_bfloat16_table { beside(ck_twin_table())!.pointee }
        /// Nil where this processor has no such instruction.
        var native: ck_bfloat16_table? {
            ck_table_for(CK_AVX512).flatMap { beside($0) }?.pointee
        }

        func beside(
            _ kernels: UnsafePointer<ck_table>
        ) -> UnsafePointer<ck_bfloat16_table>? {
            switch self {
            case .pairs: ck_bfloat16_beside(kernels)
            case .tiles: ck_bfloat16_tiles_beside(kernels)
            }
        }
    }

    @Test(
        "Packed words and products equal their twins, at the edges of tiles and beyond blocks",
        .enabled(
            if: Order.pairs.native != nil, "this processor lacks AVX-512 BF16: not compared"))
    func pairsEqualTheirTwin() throws { try nativeEqualsTwin(.pairs) }

    @Test(
        "Products of AMX equal their twins, at the edges of tiles and beyond blocks",
        .enabled(if: Order.tiles.native != nil, "this processor lacks AMX BF16: not compared"))
    func tilesEqualTheirTwin() throws { try nativeEqualsTwin(.tiles) }

    private func nativeEqualsTwin(_ order: Order) throws {
        let native = try #require(order.native)
        for (index, shape) in (ProductShape.edges + ProductShape.blocks).enumerated() {
            for store in [CK_OVERWRITE, CK_ACCUMULATE] {
                for content in [Content.ordinary, index % 2 == 0 ? .special : .positive] {
                    let expected = results(order.twin, shape, store, content)
                    #expect(
                        results(native, shape, store, content) == expected,
                        "\(shape), \(store), \(content)")
                }
            }
        }
    }

    /// Bits of everything that the four functions write; any NaN equals any NaN.
    private func results(
        _ table: ck_bfloat16_table, _ s: ProductShape, _ store: ck_store, _ content: Content
    ) -> [UInt64] {
        let w = Workspace(seed: 5), cCount = s.count(s.rows, s.columns)
        let a = w.input(s.count(s.rows, s.depth), content)
        let b = w.input(s.count(s.depth, s.columns), content)
        let bTransposed = w.input(s.count(s.columns, s.depth), content)
        let aTransposed = w.input(s.count(s.depth, s.rows), content)
        var words: [UInt64] = []
        var product = s.product(store, s.depth)
        let packed = w.words(ck_bfloat16_packed_count(s.columns, s.depth))
        table.pack(packed.baseAddress, b, s.columns + s.gap, s.columns, s.depth)
        words += packed.map(UInt64.init)
        table.multiply(w.output(cCount, content), a, packed.baseAddress, &product)
        table.pack_transposed(
            packed.baseAddress, bTransposed, s.depth + s.gap, s.columns, s.depth)
        words += packed.map(UInt64.init)
        table.multiply(w.output(cCount, content), a, packed.baseAddress, &product)
        var transposed = s.product(store, s.rows, s.columns)
        table.multiply_transposed(w.output(cCount, content), aTransposed, b, &transposed)
        return words + w.collect(#_sourceLocation)
    }

    @Test("Rounding is to nearest even, keeps NaN and infinity and takes 0 for subnormals")
    func rounding() {
        let cases: [(Float, UInt32)] = [
            (1, 0x3f80), (-2.5, 0xc020), (Float(bitPattern: 0x3f80_8000), 0x3f80),
            (Float(bitPattern: 0x3f81_8000), 0x3f82), (Float(bitPattern: 0x3f80_8001), 0x3f81),
            (Float(bitPattern: 0x3f80_7fff), 0x3f80), (.infinity, 0x7f80), (-.infinity, 0xff80),
            (.greatestFiniteMagnitude, 0x7f80), (Float(bitPattern: 0x7f80_0001), 0x7fc0),
            (Float(bitPattern: 0xffab_cdef), 0xffeb), (0, 0), (-0.0, 0x8000),
            (Float(bitPattern: 0x007f_ffff), 0), (Float(bitPattern: 0x8000_0001), 0x8000),
            (.leastNormalMagnitude, 0x0080),
        ]
        for (value, expected) in cases {
            // A second term of another sign shows which half of the word is whose.
            #expect(packedWord([value, -1]) == expected | 0xbf80_0000, "\(value)")
            #expect(packedWord([-1, value]) == expected << 16 | 0xbf80, "\(value)")
            #expect(packedWord([value]) == expected, "\(value), padded")
        }
    }

    /// The word of a single column of one or two terms, by the twin; the kernels equal it.
    private func packedWord(_ terms: [Float]) -> UInt32 {
        var packed = [UInt32](repeating: 1, count: ck_bfloat16_packed_count(1, terms.count))
        Order.pairs.twin.pack(&packed, terms, 1, 1, terms.count)
        return packed[0]
    }

    @Test("A word adds its upper halves' product first, each by one fused multiply-add")
    func order() {
        // 2²⁵ swallows 1, so the order of +2²⁵, −2²⁵ and the two ones shows.
        let big: Float = 0x1p25
        #expect(sum([1, big], of: -big) == 1, "upper first: (−2²⁵ + 2²⁵) + 1")
        #expect(sum([big, 1], of: -big) == 0, "upper first: (−2²⁵ + 1) + 2²⁵")
        // (1 + 2⁻⁷)² needs the bit 2⁻¹⁴ that is kept until the sum is rounded.
        let a: Float = 1 + 0x1p-7
        #expect(sum([0, a], of: -0x1p10, times: a) == a * a - 0x1p10)
        #expect(sum([0x1p-64], of: 0, times: 0x1p-63) == 0, "a subnormal sum becomes 0")
        #expect(sum([0x1p-63], of: 0, times: 0x1p-63) == 0x1p-126)
    }

    @Test("Sixteen words make two sums of their own, of lower and of upper halves")
    func orderOfTiles() {
        // 2²⁵ swallows 1 in a sum that holds it.
        let big: Float = 0x1p25
        #expect(sum([big, 1, -big, 0], of: 0, .tiles) == 1, "(2²⁵ − 2²⁵) + 1")
        #expect(sum([big, 1, -big, 0], of: 0, .pairs) == 0, "((1 + 2²⁵) + 0) − 2²⁵")
        #expect(sum([1, 1], of: big, .tiles) == big + 2, "2²⁵ + (1 + 1) rounds up")
        func apart(_ words: Int) -> [Float] {
            [big] + [Float](repeating: 0, count: 2 * words - 1) + [1]
        }
        #expect(sum(apart(15), of: -big, .tiles) == 0, "−2²⁵ + (2²⁵ + 1)")
        #expect(sum(apart(16), of: -big, .tiles) == 1, "(−2²⁵ + 2²⁵) + 1")
        #expect(sum([0x1p-64], of: 0, times: 0x1p-63, .tiles) == 0, "a subnormal sum becomes 0")
        #expect(sum([1], of: 0x1p-127, .tiles) == 1, "and counts as 0")
    }

    /// `start` + Σ terms · factor, by the twin.
    private func sum(
        _ terms: [Float], of start: Float, times factor: Float = 1, _ order: Order = .pairs
    ) -> Float {
        var c = [start], packed = [UInt32](repeating: 0, count: 32 + 16 * terms.count)
        var product = ck_product(
            rows: 1, columns: 1, depth: terms.count, c_stride: 1, a_stride: terms.count,
            b_stride: 0, store: CK_ACCUMULATE, ahead: ck_ahead())
        let table = order.twin
        table.pack(&packed, Array(repeating: factor, count: terms.count), 1, 1, terms.count)
        table.multiply(&c, terms, packed, &product)
        return c[0]
    }

    @Test(
        "Products are exact where every number fits, whatever they fetch ahead",
        arguments: [(7, 37, 15), (50, 70, 400)])
    func exactNumbers(rows: Int, columns: Int, depth: Int) {
        func small(_ count: Int, _ stream: UInt64) -> [Float] {
            (0..<count).map { Float(Int(ck_philox_u64(2, stream, UInt64($0)) % 17) - 8) }
        }
        let a = small(rows * depth, 0), b = small(depth * columns, 1)
        var expected = [Float](repeating: 0, count: rows * columns)
        for i in 0..<rows {
            for j in 0..<columns {
                expected[i * columns + j] = (0..<depth)
                    .reduce(0) { $0 + a[i * depth + $1] * b[$1 * columns + j] }
            }
        }
        let aTransposed = transposed(a, rows, depth), bTransposed = transposed(b, depth, columns)
        let next = small(1_000, 2)
        for table in Order.allCases.flatMap({ [$0.twin, $0.native] }).compactMap({ $0 }) {
            next.withUnsafeBufferPointer { next in
                for count in [0, 5, next.count] {
                    var c = [Float](repeating: .nan, count: rows * columns)
                    var packed = [UInt32](
                        repeating: 0, count: ck_bfloat16_packed_count(columns, depth))
                    var product = ck_product(
                        rows: rows, columns: columns, depth: depth, c_stride: columns,
                        a_stride: depth, b_stride: columns, store: CK_OVERWRITE,
                        ahead: ck_ahead(next.baseAddress, count, next.baseAddress, count))
                    table.pack(&packed, b, columns, columns, depth)
                    table.multiply(&c, a, packed, &product)
                    #expect(c == expected)
                    table.pack_transposed(&packed, bTransposed, depth, columns, depth)
                    table.multiply(&c, a, packed, &product)
                    #expect(c == expected)
                    product.a_stride = rows
                    table.multiply_transposed(&c, aTransposed, b, &product)
                    #expect(c == expected)
                }
            }
        }
    }

    private func transposed(_ matrix: [Float], _ rows: Int, _ columns: Int) -> [Float] {
        var result = matrix
        ck_transpose(&result, matrix, rows, columns)
        return result
    }

    @Test(
        "Only the table of AVX-512 and the twins have products of bfloat16 beside them",
        arguments: Order.allCases)
    func dispatch(order: Order) {
        for level in Level.present where level.isa != CK_AVX512 {
            #expect(order.beside(ck_table_for(level.isa)) == nil)
        }
        #expect(order.beside(ck_twin_table()) != nil)
    }
}
