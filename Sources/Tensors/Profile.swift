import Glibc

extension Plan {
    /// Seconds per kind of stage in a pass forward and backward, largest first: means of `passes`
    /// further ones.
    ///
    /// The gradients of the outputs are used as they lie there.
    package func profile(
        passes: Int, weights: UnsafePointer<Float>, statistics: UnsafePointer<Float>,
        gradients: UnsafeMutablePointer<Float>, batchStatistics: UnsafeMutablePointer<Float>
    ) -> [(name: String, seconds: Double)] {
        var seconds: [String: Double] = [:]
        observer = { stage, elapsed in seconds[stage.name, default: 0] += elapsed }
        defer { observer = nil }
        for _ in 0..<passes {
            forward(weights: weights, statistics: statistics)
            guard mode == .training else { continue }
            backward(
                weights: weights, statistics: statistics, gradients: gradients,
                batchStatistics: batchStatistics)
        }
        return seconds.map { (name: $0.key, seconds: $0.value / Double(passes)) }
            .sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
    }
}

/// Seconds of the monotonic clock.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
