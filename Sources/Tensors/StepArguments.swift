import CKernels

/// What the caller of a plan passes to one pass; the stages read it through this reference.
final class StepArguments {
    private(set) var weights: UnsafePointer<Float>
    private(set) var statistics: UnsafePointer<Float>
    private(set) var gradients: UnsafeMutablePointer<Float>
    private(set) var batchStatistics: UnsafeMutablePointer<Float>
    private(set) var dropoutKey: UInt64 = 0
    /// Of the pool's threads, one after the other; a stage finds and leaves arbitrary values there.
    private(set) var scratch: UnsafeMutablePointer<Float>
    private var scratchCount = 0
    private let nothing: UnsafeMutablePointer<Float>

    init() {
        nothing = .allocate(capacity: 1)
        nothing.initialize(to: 0)
        weights = UnsafePointer(nothing)
        statistics = UnsafePointer(nothing)
        gradients = nothing
        batchStatistics = nothing
        scratch = nothing
    }

    deinit {
        nothing.deallocate()
        if scratch != nothing { scratch.deallocate() }
    }

    /// Gives each of so many threads `count` floats of scratch.
    func allocateScratch(_ count: Int, threadCount: Int) {
        guard count > 0 else { return }
        precondition(scratch == nothing, "scratch is allocated once")
        // Whole pages, so that no two threads write to one cache line.
        scratchCount = (count + 1023) / 1024 * 1024
        let memory = hugePages(byteCount: 4 * scratchCount * threadCount)
        scratch = memory.bindMemory(to: Float.self, capacity: scratchCount * threadCount)
        scratch.initialize(repeating: 0, count: scratchCount * threadCount)
    }

    func scratch(ofThread thread: Int) -> UnsafeMutablePointer<Float> {
        scratch + thread * scratchCount
    }

    func set(
        weights: UnsafePointer<Float>, statistics: UnsafePointer<Float>, dropoutKey: UInt64
    ) {
        self.weights = weights
        self.statistics = statistics
        self.dropoutKey = dropoutKey
    }

    func set(
        weights: UnsafePointer<Float>, statistics: UnsafePointer<Float>,
        gradients: UnsafeMutablePointer<Float>, batchStatistics: UnsafeMutablePointer<Float>
    ) {
        self.weights = weights
        self.statistics = statistics
        self.gradients = gradients
        self.batchStatistics = batchStatistics
    }
}
