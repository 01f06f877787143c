import CKernels

/// The rule of batch-norm statistics: average ← average + (1 − d)·(x − average).
public struct MovingAverage: Sendable, Equatable {
    /// Decay after many steps, in 0..<1.
    public var decay: Double

    /// Traps unless `decay` is in 0..<1.
    public init(decay: Double) {
        precondition(decay >= 0 && decay < 1, "decay \(decay)")
        self.decay = decay
    }

    /// d = min(decay, (1 + t)/(10 + t)): early steps count for more, or runs shorter than ten
    /// thousand steps could not be evaluated.
    /// - Parameter t: commits in the phase before this one, from 0.
    public func effectiveDecay(at t: Int) -> Double {
        precondition(t >= 0, "t = \(t)")
        return min(decay, Double(1 + t) / Double(10 + t))
    }

    /// Updates some elements of a chunk of statistics in place.
    ///
    /// - Parameters:
    ///   - averages: the chunk, [element].
    ///   - sums: the root of the reduction tree: the sum over slots of the slots' statistics. The
    ///     elements of `range` are overwritten by their mean.
    ///   - scale: 1/V.
    ///   - t: commits in the phase before this one.
    public func update(
        _ averages: UnsafeMutableBufferPointer<Float>, sums: UnsafeMutableBufferPointer<Float>,
        scale: Float, at t: Int, range: Range<Int>
    ) {
        update(averages, sums: sums, scale: scale, at: t, range: range, kernels: ck_kernels())
    }

    /// As the public method, with the kernels of a chosen instruction set.
    package func update(
        _ averages: UnsafeMutableBufferPointer<Float>, sums: UnsafeMutableBufferPointer<Float>,
        scale: Float, at t: Int, range: Range<Int>, kernels: UnsafePointer<ck_table>
    ) {
        precondition(
            averages.count == sums.count && range.upperBound <= averages.count,
            "\(range) of \(averages.count) averages and \(sums.count) sums")
        guard !range.isEmpty else { return }
        let sum = sums.baseAddress! + range.lowerBound
        for index in 0..<range.count { sum[index] *= scale }
        kernels.pointee.moving_average(
            averages.baseAddress! + range.lowerBound, sum, Float(1 - effectiveDecay(at: t)),
            range.count)
    }
}
