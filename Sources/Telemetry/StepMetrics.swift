/// One line of `metrics.jsonl`: what a committed step did.
public struct StepMetrics: Codable, Sendable, Equatable {
    /// The step that was committed; the parameters are now at version `step + 1`.
    public var step: UInt64
    public var steps: UInt64
    public var phase: String
    /// `apply`, or `skip` where a gradient was not finite.
    public var decision: String
    /// Mean over slots of each loss term and their weighted sum `total`.
    public var losses: [String: Double]
    public var metrics: [String: Double]
    public var maximumAbsoluteGradient: Double?
    public var learningRate: Double
    /// Strength of the linear self-correction; absent where the phase has none.
    public var alpha: Double?
    public var images: UInt64
    /// Time since the previous commit.
    public var stepSeconds: Double
    /// Time since the first lease of this start of the coordinator.
    public var elapsedSeconds: Double
    public var workers: Int

    public init(
        step: UInt64, steps: UInt64, phase: String, decision: String, losses: [String: Double],
        metrics: [String: Double], maximumAbsoluteGradient: Double?, learningRate: Double,
        alpha: Double?, images: UInt64, stepSeconds: Double, elapsedSeconds: Double, workers: Int
    ) {
        self.step = step
        self.steps = steps
        self.phase = phase
        self.decision = decision
        self.losses = losses
        self.metrics = metrics
        self.maximumAbsoluteGradient = maximumAbsoluteGradient
        self.learningRate = learningRate
        self.alpha = alpha
        self.images = images
        self.stepSeconds = stepSeconds
        self.elapsedSeconds = elapsedSeconds
        self.workers = workers
    }

    enum CodingKeys: String, CodingKey {
        case step, steps, phase, decision, losses, metrics
        case maximumAbsoluteGradient = "maximum_absolute_gradient"
        case learningRate = "learning_rate"
        case alpha, images
        case stepSeconds = "step_s"
        case elapsedSeconds = "elapsed_s"
        case workers
    }
}
