/// One line of `metrics.jsonl`: what a committed step did.
public struct StepMetrics: Codable, Sendable, Equatable {
    /// The step that was committed; the parameters are now at version `step + 1`.
    public var step: UInt64
    /// Steps of the whole run.
    public var steps: UInt64
    /// Name of the phase that the step belongs to.
    public var phase: String
    /// Steps of the phase so far, this one included.
    public var phaseStep: Int
    /// Steps of the whole phase.
    public var phaseSteps: Int
    /// `apply`, or `skip` where a gradient was not finite.
    public var decision: String
    /// Mean over slots of each loss term and their weighted sum `total`; only finite ones.
    public var losses: [String: Double]
    /// Mean over slots of further measures, as `corrector_dead_share`; only finite ones.
    public var metrics: [String: Double]
    /// Largest |gradient| of any slot; nil where a slot reported a number that is not finite.
    public var maximumAbsoluteGradient: Double?
    /// Of this step, before the multipliers of single tensors.
    public var learningRate: Double
    /// Strength of the linear self-correction; absent where the phase has none.
    public var alpha: Double?
    /// Images that the step's slots hold together.
    public var images: UInt64
    /// Time since the previous commit.
    public var stepSeconds: Double
    /// Time since the first lease of this start of the coordinator.
    public var elapsedSeconds: Double
    /// Workers that could be given work at the commit.
    public var workers: Int

    /// The line's values as given; nothing is checked.
    public init(
        step: UInt64, steps: UInt64, phase: String, phaseStep: Int, phaseSteps: Int,
        decision: String, losses: [String: Double],
        metrics: [String: Double], maximumAbsoluteGradient: Double?, learningRate: Double,
        alpha: Double?, images: UInt64, stepSeconds: Double, elapsedSeconds: Double, workers: Int
    ) {
        self.step = step
        self.steps = steps
        self.phase = phase
        self.phaseStep = phaseStep
        self.phaseSteps = phaseSteps
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
        case phaseStep = "phase_step"
        case phaseSteps = "phase_steps"
        case maximumAbsoluteGradient = "maximum_absolute_gradient"
        case learningRate = "learning_rate"
        case alpha, images
        case stepSeconds = "step_s"
        case elapsedSeconds = "elapsed_s"
        case workers
    }
}

extension StepMetrics {
    /// The line, its members in reading order; maps are sorted by name.
    public var fields: [JSONField] {
        func object(_ values: [String: Double]) -> JSONValue {
            .object(
                values.sorted { $0.key < $1.key }.map { JSONField($0.key, .number($0.value)) })
        }
        return [
            .init("step", .integer(Int(step))), .init("steps", .integer(Int(steps))),
            .init("phase", .string(phase)), .init("phase_step", .integer(phaseStep)),
            .init("phase_steps", .integer(phaseSteps)), .init("decision", .string(decision)),
            .init("losses", object(losses)), .init("metrics", object(metrics)),
            .init(
                "maximum_absolute_gradient",
                maximumAbsoluteGradient.map(JSONValue.number) ?? .null),
            .init("learning_rate", .number(learningRate)),
            .init("alpha", alpha.map(JSONValue.number) ?? .null),
            .init("images", .integer(Int(images))), .init("step_s", .number(stepSeconds)),
            .init("elapsed_s", .number(elapsedSeconds)), .init("workers", .integer(workers)),
        ]
    }
}
