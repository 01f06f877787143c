/// What a slot minimises, by the numbers of the paper's equations.
public enum Objective: Hashable, Sendable {
    /// Eq. 1 for the ancillary model, and the vanilla objective of the primary: cross-entropy with the
    /// labels of F.
    case labelled
    /// Eq. 2: and on W with the ancillary model's probabilities.
    case noCorrection
    /// Eq. 3–5: and on W with q ∝ (p · p_anc^α)^(1/(1+α)).
    case linear(alpha: Double)
    /// Terms 1 and 3 of Eq. 6: the corrector learns on F, W takes no part.
    case warmup
    /// Eq. 6: and on W with the corrector's probabilities.
    case convolutional
    /// And on W with the classes of the E-step.
    case expectationMaximisation(ExpectationMaximisation)

    /// Whether the corrector's output is judged by the labels of F.
    public var trainsCorrector: Bool { self == .warmup || self == .convolutional }

    /// Whether W has a term.
    public var usesWeakImages: Bool { self != .labelled && self != .warmup }
}
