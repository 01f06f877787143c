import CKernels
import Tensors

/// The most floating-point operations per second that the processor can do: fused multiply-adds in
/// registers, on all threads of a pool.
enum ArithmeticPeak {
    private static let attempts = 10
    private static let tilesPerThread = 8
    /// Some milliseconds a tile, so that starting the threads costs nothing beside it.
    private static let roundsPerTile = 1 << 20

    /// The best of several attempts at each vector level of this processor, in 10⁹ operations per
    /// second; takes about a second.
    static func gigaflops(on pool: ThreadPool) -> Double {
        let levels = [CK_AVX2, CK_AVX512, CK_NEON].filter { ck_table_for($0) != nil }
        return (levels.isEmpty ? [CK_GENERIC] : levels)
            .flatMap { level in (0..<attempts).map { _ in attempt(level, pool) } }.max()! / 1e9
    }

    private static func attempt(_ level: ck_isa, _ pool: ThreadPool) -> Double {
        let tiles = pool.threadCount * tilesPerThread
        let duration = ContinuousClock().measure {
            pool.run(count: tiles) { _ in _ = ck_fma_burst(level, roundsPerTile) }
        }
        let operations = Double(tiles) * ck_fma_burst(level, 1) * Double(roundsPerTile)
        return operations / (duration / .seconds(1))
    }
}
