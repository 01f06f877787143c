import Tensors
import Testing

@Suite struct TilingTests {
    @Test(arguments: [1, 2, 15, 16, 100, 255, 256, 257, 1764, 6724, 26244, 103_684])
    func `tiles cover every row once, in order, within their limits`(rows: Int) {
        let tilings: [(Tiling, limit: Int)] = [
            (.statisticRows(rows), 256), (.productRows(rows), 768),
            (.weightGradientRows(rows), rows), (.cachedRows(rows, width: 512), 256),
            (.elements(rows), 32768),
        ]
        for (tiling, limit) in tilings {
            var next = 0
            for tile in 0..<tiling.count {
                let range = tiling.range(tile)
                #expect(range.lowerBound == next && !range.isEmpty && range.count <= limit)
                next = range.upperBound
            }
            #expect(next == rows)
        }
        #expect(Tiling.elements(rows).length % 64 == 0)
    }

    @Test(arguments: [1, 2, 4])
    func `a pool runs every tile once`(threads: Int) {
        let pool = ThreadPool(threadCount: threads)
        for count in [0, 1, 7, 1000] {
            let calls = UnsafeMutablePointer<Int>.allocate(capacity: max(count, 1))
            defer { calls.deallocate() }
            calls.initialize(repeating: 0, count: max(count, 1))
            pool.run(count: count) { calls[$0] += 1 }
            #expect((0..<count).allSatisfy { calls[$0] == 1 })
        }
    }
}
