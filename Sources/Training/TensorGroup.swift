/// One of the flat lists of tensors that a run trains or reads: φ, θ, λ, running statistics.
///
/// The order of the cases is the order of the groups in every tensor list, chunk plan and hash.
public enum TensorGroup: String, Codable, Hashable, Sendable, CaseIterable {
    /// φ, the weights of the primary model.
    case primary
    /// θ, the weights of the ancillary model.
    case ancillary
    /// λ, the weights of the convolutional corrector.
    case corrector
    /// Running means and variances of the primary model's batch norms.
    case primaryStatistics
    /// Running means and variances of the ancillary model's batch norms.
    case ancillaryStatistics

    /// How a commit changes the group's tensors.
    public enum UpdateKind: Hashable, Sendable {
        /// By the optimizer's rule, from gradients.
        case descent
        /// By a moving average, from the slots' means and unbiased variances.
        case movingAverage
    }

    /// How a commit changes the group.
    public var updateKind: UpdateKind {
        switch self {
        case .primary, .ancillary, .corrector: .descent
        case .primaryStatistics, .ancillaryStatistics: .movingAverage
        }
    }
}
