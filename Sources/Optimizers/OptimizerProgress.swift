/// The part of a group's optimizer state that is one number for all its elements.
///
/// It starts anew with each phase and belongs into the checkpoint.
public struct OptimizerProgress: Sendable, Equatable {
    /// Updates applied in the phase so far.
    public private(set) var updates = 0
    /// β₁ᵗ as a running product, for AdamW's bias correction; 1 under other rules.
    public private(set) var beta1Product = 1.0
    /// β₂ᵗ as a running product, for AdamW's bias correction; 1 under other rules.
    public private(set) var beta2Product = 1.0

    /// The state at the start of a phase.
    public init() {}

    /// Counts one more update of `rule`; call it once per step, before the chunks are updated.
    public mutating func advance(_ rule: UpdateRule) {
        updates += 1
        // The rule's β are float32: correcting by the same values leaves no bias at t = 1.
        if case .adamW(let beta1, let beta2, _) = rule {
            beta1Product *= Double(beta1)
            beta2Product *= Double(beta2)
        }
    }
}

extension OptimizerProgress {
    /// The state by name, as a checkpoint keeps it.
    public var scalars: [String: Double] {
        ["updates": Double(updates), "beta1Product": beta1Product, "beta2Product": beta2Product]
    }

    /// Reads back `scalars`; nil where a number is missing or out of range.
    public init?(scalars: [String: Double]) {
        guard let updates = scalars["updates"].flatMap(Int.init(exactly:)), updates >= 0,
            let beta1Product = scalars["beta1Product"], (0...1).contains(beta1Product),
            let beta2Product = scalars["beta2Product"], (0...1).contains(beta2Product)
        else { return nil }
        self.updates = updates
        self.beta1Product = beta1Product
        self.beta2Product = beta2Product
    }
}
