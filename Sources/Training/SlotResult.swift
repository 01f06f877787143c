/// What one slot computed, besides its gradients and batch statistics.
public struct SlotResult: Hashable, Sendable {
    /// Mean cross-entropy of each term over its counted pixels, unweighted.
    ///
    /// 0 where the phase has no such term or no pixel counted.
    public var losses = Losses()
    /// The weighted sum that was minimised.
    public var total: Float = 0
    /// Images of the slot.
    public var samples = 0
    /// Pixels that the labelled term averaged over.
    public var labelledPixels = 0
    /// Pixels that the weak term averaged over.
    public var weakPixels = 0
    /// Whether every loss, gradient and batch statistic is finite, and no gradient beyond the cap.
    public var allFinite = true
    /// Largest magnitude among the gradients; +∞ where not all is finite.
    public var maxAbsGradient: Float = 0
    /// Share of the corrector's outputs that its final ReLU holds at 0; nil without a corrector.
    public var correctorDeadShare: Float?

    /// Nothing computed yet.
    public init() {}

    /// The terms of the objective.
    public struct Losses: Hashable, Sendable {
        /// Cross-entropy on F: the ancillary model's objective and the primary's first term.
        public var labelled: Float = 0
        /// Cross-entropy on W against q: the second term.
        public var weak: Float = 0
        /// Cross-entropy of the corrector on F, the convolutional method's third term.
        public var corrector: Float = 0

        /// No term counted.
        public init() {}
    }
}
