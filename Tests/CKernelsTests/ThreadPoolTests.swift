import CKernels
import Testing

@Suite("Thread pool")
struct ThreadPoolTests {
    @Test("Each tile runs once and its writes are visible", arguments: [1, 2, 3, 8])
    func tilesRunOnce(threads: Int) throws {
        let created: OpaquePointer? = ck_pool_create(threads)
        let pool = try #require(created)
        defer { ck_pool_destroy(pool) }
        #expect(ck_pool_thread_count(pool) == threads)
        for count in [0, 1, 2, 3, 7, 64, 1000] {
            var visits = [Int](repeating: 0, count: count + 1)
            for _ in 0..<20 {
                visits.withUnsafeMutableBufferPointer { buffer in
                    ck_pool_run(
                        pool, count,
                        { context, tile, _ in context!.assumingMemoryBound(to: Int.self)[tile] += 1
                        },
                        buffer.baseAddress!)
                }
            }
            #expect(visits == [Int](repeating: 20, count: count) + [0])
        }
    }

    @Test("No two tiles run at a time on one thread's number", arguments: [1, 2, 3])
    func threadNumbers(threads: Int) throws {
        let created: OpaquePointer? = ck_pool_create(threads)
        let pool = try #require(created)
        defer { ck_pool_destroy(pool) }
        // Each thread adds to its own sum without a lock: two at a time would lose some.
        var sums = [Int](repeating: 0, count: threads)
        sums.withUnsafeMutableBufferPointer { buffer in
            for _ in 0..<200 {
                ck_pool_run(
                    pool, 500,
                    { context, tile, thread in
                        context!.assumingMemoryBound(to: Int.self)[thread] += tile
                    }, buffer.baseAddress!)
            }
        }
        let expected: Int = 200 * 500 * 499 / 2
        #expect(sums.reduce(0, +) == expected)
    }

    @Test("Thousands of short runs follow one another")
    func shortRuns() throws {
        let created: OpaquePointer? = ck_pool_create(2)
        let pool = try #require(created)
        defer { ck_pool_destroy(pool) }
        var sums = [Int](repeating: 0, count: 2)
        sums.withUnsafeMutableBufferPointer { buffer in
            for _ in 0..<5000 {
                ck_pool_run(
                    pool, 2,
                    { context, tile, _ in
                        context!.assumingMemoryBound(to: Int.self)[tile] += tile + 1
                    },
                    buffer.baseAddress!)
            }
        }
        #expect(sums == [5000, 10_000])
    }

    @Test("A pool may be destroyed unused; less than one thread is refused")
    func lifecycle() {
        let pool: OpaquePointer? = ck_pool_create(4)
        #expect(pool != nil)
        ck_pool_destroy(pool)
        ck_pool_destroy(nil)
        #expect(ck_pool_create(0) == nil && ck_pool_create(-1) == nil)
    }

    @Test("A run within a tile ends the process with a message")
    func nesting() async {
        await #expect(processExitsWith: .failure) {
            let pool = ck_pool_create(1)
            ck_pool_run(
                pool, 1,
                { context, _, _ in
                    ck_pool_run(OpaquePointer(context!), 1, { _, _, _ in }, nil)
                },
                UnsafeMutableRawPointer(pool!))
        }
    }
}
