/// A handle of a declared weight or statistic of one ``Graph``.
public struct Parameter: Hashable, Sendable {
    package let role: ParameterDeclaration.Role
    /// Position in ``Graph/weights`` or ``Graph/statistics``, whichever the role says.
    package let index: Int
}

/// How the values of a parameter begin.
public enum Initialiser: Hashable, Sendable {
    case zeros
    case constant(Float)
    /// Normal, redrawn beyond two deviations.
    case truncatedNormal(deviation: Float)
    /// Uniform in ±√(6 / (fan in + fan out)).
    case xavierUniform
    /// Uniform in ±1/√(fan in), PyTorch's default for convolutions.
    case fanInUniform
    /// Normal of deviation √(2 / fan in).
    case heNormal
    /// As the given one in the middle of each odd-sized kernel, 0 at every other tap.
    indirect case centreTap(Initialiser)
}

/// Everything the rest of the system knows of one named tensor.
public struct ParameterDeclaration: Hashable, Sendable {
    /// Whether descent or a moving average changes the tensor.
    public enum Role: Hashable, Sendable { case weight, statistic }
    /// Whether the optimizer's weight decay acts on the tensor.
    public enum WeightDecay: Hashable, Sendable { case applied, exempt }
    /// Biases may learn at a multiple of the learning rate.
    public enum Kind: Hashable, Sendable { case ordinary, bias }
    /// A statistic that is never updated keeps its first value, as in a layer that sees one value.
    public enum StatisticUpdates: Hashable, Sendable { case movingAverage, never }

    /// Name in checkpoints, unique in its graph.
    public let name: String
    /// `[O, I, kH, kW]` of a convolution, `[C, 1, kH, kW]` of a depthwise one, `[C]` otherwise.
    public let shape: [Int]
    /// Which of the graph's two flat buffers holds the tensor.
    public let role: Role
    /// Exempt unless said otherwise.
    public let decay: WeightDecay
    /// Which learning rate the tensor has.
    public let kind: Kind
    /// How its values begin.
    public let initialiser: Initialiser
    /// Whether the moving average of a statistic is ever updated.
    public internal(set) var updates: StatisticUpdates

    /// Declares a tensor; every extent of `shape` must be positive.
    public init(
        name: String, shape: [Int], role: Role = .weight, decay: WeightDecay = .exempt,
        kind: Kind = .ordinary, initialiser: Initialiser = .zeros,
        updates: StatisticUpdates = .movingAverage
    ) {
        precondition(
            !shape.isEmpty && shape.allSatisfy { $0 > 0 }, "\(name) has the empty shape \(shape)")
        self.name = name
        self.shape = shape
        self.role = role
        self.decay = decay
        self.kind = kind
        self.initialiser = initialiser
        self.updates = updates
    }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }
}
