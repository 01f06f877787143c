/// One term of an objective over the pixels that count in it.
public struct LossTerm: Hashable, Sendable {
    /// Sum of the pixels' cross-entropies in nats.
    public let sum: Double
    /// Pixels that count.
    public let pixels: Int

    package init(sum: Double, pixels: Int) {
        self.sum = sum
        self.pixels = pixels
    }

    /// Mean over the pixels; 0 if none counts.
    public var mean: Double { pixels == 0 ? 0 : sum / Double(pixels) }
}

/// Factors of the terms, from the configuration.
public struct LossWeights: Hashable, Sendable {
    /// Multiplies the whole loss.
    public var overall: Double
    /// Multiplies the terms over F: the primary's and, in equation 6, the corrector's.
    public var labelled: Double
    /// Multiplies the term over W.
    public var weak: Double

    /// Each factor is 1 by default.
    public init(overall: Double = 1, labelled: Double = 1, weak: Double = 1) {
        self.overall = overall
        self.labelled = labelled
        self.weak = weak
    }
}
