import CKernels

/// What the caller of a plan passes to one pass; the stages read it through this reference.
final class StepArguments {
    private(set) var weights: UnsafePointer<Float>
    private(set) var statistics: UnsafePointer<Float>
    private(set) var gradients: UnsafeMutablePointer<Float>
    private(set) var batchStatistics: UnsafeMutablePointer<Float>
    private(set) var dropoutKey: UInt64 = 0
    private let nothing: UnsafeMutablePointer<Float>

    init() {
        nothing = .allocate(capacity: 1)
        nothing.initialize(to: 0)
        weights = UnsafePointer(nothing)
        statistics = UnsafePointer(nothing)
        gradients = nothing
        batchStatistics = nothing
    }

    deinit { nothing.deallocate() }

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
