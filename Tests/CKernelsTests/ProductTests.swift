import CKernels
import Testing

/// The sizes and strides of one product under test.
struct ProductShape: CustomStringConvertible {
    let rows, columns, depth: Int
    /// Floats between the end of a row and the start of the next, in every matrix.
    var gap = 0

    var description: String { "\(rows)×\(depth)×\(columns), gap \(gap)" }

    func product(_ store: ck_store, _ a: Int, _ b: Int = 0) -> ck_product {
        ck_product(
            rows: rows, columns: columns, depth: depth, c_stride: columns + gap,
            a_stride: a + gap, b_stride: b + gap, store: store, ahead: ck_ahead())
    }

    /// Floats of a matrix without a gap behind its last row.
    func count(_ rows: Int, _ columns: Int) -> Int {
        rows == 0 ? 0 : rows * (columns + gap) - gap
    }

    /// All sizes 0…67 in turn for each extent, beside small odd ones.
    static let edges: [ProductShape] = (0...67).flatMap { n in
        let others = [(1, 3), (5, 8), (13, 17), (29, 33)][n % 4]
        return [
            ProductShape(rows: n, columns: others.0, depth: others.1, gap: n % 3),
            ProductShape(rows: others.0, columns: n, depth: others.1, gap: n % 2),
            ProductShape(rows: others.1, columns: others.0, depth: n, gap: n % 5),
        ]
    }

    /// Sizes beyond each kind of block.
    static let blocks = [
        ProductShape(rows: 50, columns: 40, depth: 515),
        ProductShape(rows: 53, columns: 131, depth: 37),
        ProductShape(rows: 97, columns: 289, depth: 257, gap: 3),
        ProductShape(rows: 165, columns: 289, depth: 257, gap: 3),
        ProductShape(rows: 337, columns: 19, depth: 301, gap: 1),
        ProductShape(rows: 331, columns: 263, depth: 37, gap: 2),
        ProductShape(rows: 261, columns: 40, depth: 771),
        ProductShape(rows: 331, columns: 779, depth: 9, gap: 1),
    ]
}

@Suite("Matrix products")
struct ProductTests {
    @Test("Products equal their twins at the edges of every tile", arguments: Level.present)
    func edges(level: Level) {
        for (index, shape) in ProductShape.edges.enumerated() {
            check(level, shape, index % 2 == 0 ? .ordinary : .special)
        }
    }

    @Test("Products equal their twins beyond every block", arguments: Level.present)
    func blocks(level: Level) {
        for shape in ProductShape.blocks { check(level, shape, .ordinary) }
    }

    private func check(_ level: Level, _ s: ProductShape, _ content: Content) {
        for store in [CK_OVERWRITE, CK_ACCUMULATE] {
            expectTwinBits(level, "\(s), \(store)") { table, w in
                let cCount = s.count(s.rows, s.columns)
                let a = w.input(s.count(s.rows, s.depth), content)
                let b = w.input(s.count(s.depth, s.columns), content)
                let packed = w.input(ck_packed_count(s.columns, s.depth))
                var product = s.product(store, s.depth)
                table.pack(packed, b, s.columns + s.gap, s.columns, s.depth)
                table.multiply(w.output(cCount), a, packed, &product)
                let bTransposed = w.input(s.count(s.columns, s.depth), content)
                table.pack_transposed(packed, bTransposed, s.depth + s.gap, s.columns, s.depth)
                table.multiply(w.output(cCount), a, packed, &product)
                let aTransposed = w.input(s.count(s.depth, s.rows), content)
                var transposed = s.product(store, s.rows, s.columns)
                table.multiply_transposed(w.output(cCount), aTransposed, b, &transposed)
            }
        }
    }

    @Test("A product in pieces has the bits of the whole", arguments: Level.present)
    func pieces(level: Level) {
        let table = level.table, w = Workspace(seed: 3)
        defer { withExtendedLifetime(w) {} }
        let (rows, columns, depth) = (61, 75, 83)
        let a = w.input(depth * rows), b = w.input(depth * columns)
        var whole = [Float](repeating: .nan, count: rows * columns), parts = whole
        func multiply(
            _ c: UnsafeMutablePointer<Float>, _ rowRange: Range<Int>, _ depthRange: Range<Int>,
            _ store: ck_store
        ) {
            var product = ck_product(
                rows: rowRange.count, columns: columns, depth: depthRange.count,
                c_stride: columns, a_stride: rows, b_stride: columns, store: store,
                ahead: ck_ahead())
            table.multiply_transposed(
                c + rowRange.lowerBound * columns,
                a + depthRange.lowerBound * rows + rowRange.lowerBound,
                b + depthRange.lowerBound * columns, &product)
        }
        multiply(&whole, 0..<rows, 0..<depth, CK_OVERWRITE)
        for rowRange in [0..<7, 7..<40, 40..<61] {
            multiply(&parts, rowRange, 0..<50, CK_OVERWRITE)
            multiply(&parts, rowRange, 50..<83, CK_ACCUMULATE)
        }
        #expect(whole == parts)
    }

    @Test("What a product fetches ahead changes no bit", arguments: Level.present)
    func ahead(level: Level) {
        let table = level.table, w = Workspace(seed: 5)
        defer { withExtendedLifetime(w) {} }
        for s in ProductShape.blocks {
            let a = w.input(s.count(max(s.rows, s.depth), max(s.rows, s.depth)))
            let b = w.input(s.count(s.depth, s.columns))
            let packed = w.input(ck_packed_count(s.columns, s.depth))
            table.pack(packed, b, s.columns + s.gap, s.columns, s.depth)
            // Nothing, little, more than the product has time for.
            let fetched = [
                ck_ahead(), ck_ahead(a, 0), ck_ahead(a, 5),
                ck_ahead(nil, 0, b, s.count(s.depth, s.columns), a, 7),
                ck_ahead(a, 1 << 22, b, 1 << 22, a, 1 << 22),
            ]
            let results = fetched.map { ahead in
                let forward = w.input(s.count(s.rows, s.columns))
                let weights = w.input(s.count(s.rows, s.columns))
                var product = s.product(CK_OVERWRITE, s.depth)
                product.ahead = ahead
                table.multiply(forward, a, packed, &product)
                product = s.product(CK_OVERWRITE, s.rows, s.columns)
                product.ahead = ahead
                table.multiply_transposed(weights, a, b, &product)
                return [forward, weights].map { c in
                    (0..<s.rows * s.columns).map {
                        c[$0 / s.columns * (s.columns + s.gap) + $0 % s.columns].bitPattern
                    }
                }
            }
            for result in results { #expect(result == results[0], "\(s)") }
        }
    }

    @Test("Columns packed by panels are those packed at once", arguments: Level.present)
    func panels(level: Level) {
        let table = level.table, w = Workspace(seed: 4)
        defer { withExtendedLifetime(w) {} }
        let (columns, depth, panel) = (77, 19, Int(CK_PANEL))
        let b = w.input(columns * depth)
        for transposed in [0, 1] {
            func pack(_ out: UnsafeMutablePointer<Float>, from first: Int, _ count: Int) {
                if transposed == 1 {
                    table.pack_transposed(out, b + first * depth, depth, count, depth)
                } else {
                    table.pack(out, b + first, columns, count, depth)
                }
            }
            var whole = [Float](repeating: -1, count: ck_packed_count(columns, depth))
            var parts = whole
            pack(&whole, from: 0, columns)
            for first in stride(from: 0, to: columns, by: panel) {
                parts.withUnsafeMutableBufferPointer {
                    pack(
                        $0.baseAddress! + first * depth, from: first,
                        min(panel, columns - first))
                }
            }
            #expect(whole == parts)
        }
    }

    @Test("Twins equal the definition in double")
    func definition() {
        for s in ProductShape.edges where s.rows * s.columns > 0 {
            let w = Workspace(seed: 9), t = Level.twin
            defer { withExtendedLifetime(w) {} }
            let a = w.input(s.count(s.rows, s.depth)), b = w.input(s.count(s.depth, s.columns))
            let packed = w.input(ck_packed_count(s.columns, s.depth))
            let c = w.input(s.count(s.rows, s.columns))
            var product = s.product(CK_OVERWRITE, s.depth)
            t.pack(packed, b, s.columns + s.gap, s.columns, s.depth)
            t.multiply(c, a, packed, &product)
            for i in 0..<s.rows {
                for j in 0..<s.columns {
                    let terms = (0..<s.depth).map {
                        Double(a[i * (s.depth + s.gap) + $0])
                            * Double(b[$0 * (s.columns + s.gap) + j])
                    }
                    expectClose(
                        c[i * (s.columns + s.gap) + j], terms.reduce(0, +), terms: s.depth,
                        magnitude: terms.reduce(0) { $0 + abs($1) })
                }
            }
        }
    }
}

extension ck_ahead {
    init(
        _ first: UnsafePointer<Float>?, _ firstCount: Int, _ second: UnsafePointer<Float>? = nil,
        _ secondCount: Int = 0, _ third: UnsafePointer<Float>? = nil, _ thirdCount: Int = 0
    ) {
        self.init(
            first: ck_floats(start: first, count: firstCount),
            second: ck_floats(start: second, count: secondCount),
            third: ck_floats(start: third, count: thirdCount))
    }
}
