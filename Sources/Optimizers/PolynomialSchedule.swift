import CKernels

/// lr(t) = base·(1 − t/T)^power for t = 0…T (segmentation.md §2.1), the same bits everywhere.
public struct PolynomialSchedule: Sendable, Equatable {
    /// Learning rate of step 0.
    public var base: Double
    /// Exponent of the decay; 0 keeps the rate constant, 1 lets it fall in a straight line.
    public var power: Double
    /// T, the steps of the phase.
    public var stepCount: Int

    /// Traps unless `base` and `power` are 0 or more and `stepCount` is positive.
    public init(base: Double, power: Double, stepCount: Int) {
        precondition(base >= 0 && power >= 0 && stepCount > 0, "\(base), \(power), \(stepCount)")
        self.base = base
        self.power = power
        self.stepCount = stepCount
    }

    /// The learning rate of step `t` of the phase.
    public func learningRate(at t: Int) -> Double {
        precondition(t >= 0 && t <= stepCount, "step \(t) of \(stepCount)")
        return base * ck_pow_f64(1 - Double(t) / Double(stepCount), power)
    }
}
