import CKernels

/// The weight α of equation 3, which falls exponentially over the steps of `main`.
///
/// A large α trusts the ancillary model, a small one the primary.
public struct AlphaSchedule: Hashable, Sendable {
    /// α at step 0.
    public let from: Double
    /// α at step T.
    public let to: Double
    /// T, the steps of the phase.
    public let stepCount: Int

    /// Both ends must be positive and finite.
    public init(from: Double = 30, to: Double = 0.5, stepCount: Int) {
        precondition(
            from > 0 && to > 0 && from.isFinite && to.isFinite && stepCount > 0,
            "α from \(from) to \(to) in \(stepCount) steps")
        self.from = from
        self.to = to
        self.stepCount = stepCount
    }

    /// α(t) = from · (to / from)^(t / T), for t in 0…T.
    public func alpha(atStep step: Int) -> Double {
        precondition(step >= 0 && step <= stepCount, "step \(step) of \(stepCount)")
        return from * ck_pow_f64(to / from, Double(step) / Double(stepCount))
    }
}
