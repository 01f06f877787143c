import Configurations
import Datasets

/// The phases of a run, a pure function of its configuration (segmentation.md §4, DESIGN §4).
public struct TrainingSchedule: Hashable, Sendable {
    /// The phases in the order of their steps.
    public let phases: [Phase]

    /// Steps of all phases.
    public var stepCount: Int { phases.last.map { $0.firstStep + $0.stepCount } ?? 0 }

    /// A stretch of steps with one objective, one set of trained groups and its own learning-rate
    /// schedule from t = 0.
    public struct Phase: Hashable, Sendable {
        /// What the phase is called in messages, metrics and recordings.
        public let name: PhaseName
        /// Step of the run at which the phase begins.
        public let firstStep: Int
        /// Steps of the phase, T of its schedules.
        public let stepCount: Int
        /// What its slots minimise.
        public let objective: Objective
        /// Where its images come from.
        public let pool: SamplePool
        /// b, the images of a slot.
        public let imagesPerSlot: Int
        /// f, those among them that come from F; b where no weak image takes part.
        public let labelledPerSlot: Int
        /// Groups that the phase's steps change, in list order.
        public let trainedGroups: [TensorGroup]
        /// Groups that a worker needs to compute a slot, in list order.
        public let readGroups: [TensorGroup]
        /// The learning rate at its first step.
        public let baseLearningRate: Double

        /// Whether a slot needs the box masks of its images.
        public var boxes: BatchRequest.BoxDemand {
            readGroups.contains(.ancillary) || objective == .selfCorrection(.emFixed)
                ? .needed : .unused
        }
    }

    /// The three stages of the paper's schedule.
    public enum PhaseName: String, Codable, Hashable, Sendable, CaseIterable {
        case ancillary, warmup, main
    }

    /// What a phase minimises.
    public enum Objective: Hashable, Sendable {
        /// Eq. 1: cross-entropy of the ancillary model on its images' masks.
        case ancillary
        /// Cross-entropy of the primary model on its images' masks.
        case supervised
        /// Terms 1 and 3 of Eq. 6 on F: primary model and corrector learn, the ancillary is frozen.
        case warmup
        /// Cross-entropy on F plus cross-entropy on W against corrected labels.
        case selfCorrection(Correction)
    }

    /// Where the target q of a weak image comes from.
    public enum Correction: Hashable, Sendable {
        /// Eq. 2: the ancillary model.
        case none
        /// Eq. 3–5: softmax((l + α·a) / (1 + α)).
        case linear
        /// Eq. 6: the corrector, which learns by the third term.
        case convolutional
        /// The maximising class after the box biases (Papandreou et al. 2015).
        case emFixed
    }

    /// Throws `TrainingError.schedule` where nothing remains to be trained, or a frozen ancillary
    /// model would never have been trained.
    public init(_ configuration: Configuration) throws {
        let ancillaryFirst =
            configuration.method.needsAncillary && configuration.ancillary.weights == nil
        let steps = configuration.phases
        var phases: [Phase] = []
        if ancillaryFirst, steps.ancillary.steps > 0 {
            phases.append(.ancillary(configuration))
        }
        if configuration.method == .convolutional, steps.warmup.steps > 0 {
            phases.append(.warmup(configuration, after: phases))
        }
        if steps.main.steps > 0 { phases.append(.main(configuration, after: phases)) }
        guard let first = phases.first else {
            throw TrainingError.schedule(
                "no phase has a step: set phases.main.steps to at least 1")
        }
        guard !ancillaryFirst || first.name == .ancillary else {
            throw TrainingError.schedule(
                "method \(configuration.method.rawValue) needs a trained ancillary model: set "
                    + "phases.ancillary.steps to at least 1 or ancillary.weights to a run")
        }
        let slots = configuration.slots
        if let mixed = phases.first(where: { $0.pool == .labelledAndWeak }),
            mixed.labelledPerSlot < 1 || mixed.labelledPerSlot >= slots.batch
        {
            throw TrainingError.schedule(
                "\(mixed.labelledPerSlot) of the \(slots.batch) images of a slot are labelled: "
                    + "method \(configuration.method.rawValue) needs labelled and weak ones in each; "
                    + "set slots.labelled to 1…\(max(slots.batch, 2) - 1) and slots.batch to at "
                    + "least 2")
        }
        self.phases = phases
    }

    /// The phase of a step of the run and the step's number within it; `step` counts from 0.
    public func position(ofStep step: Int) -> (phase: Int, stepInPhase: Int) {
        precondition(step >= 0 && step < stepCount, "step \(step) of \(stepCount)")
        let index = phases.lastIndex { $0.firstStep <= step }!
        return (index, step - phases[index].firstStep)
    }

    /// Groups that some phase trains or reads, in list order.
    public var groups: [TensorGroup] {
        TensorGroup.allCases.filter { group in phases.contains { $0.readGroups.contains(group) } }
    }
}

extension Configuration.Method {
    /// Whether weak images get their targets with the help of the ancillary model.
    var needsAncillary: Bool {
        switch self {
        case .none, .linear, .convolutional: true
        case .supervised, .emFixed: false
        }
    }
}

extension TrainingSchedule.Phase {
    static func ancillary(_ configuration: Configuration) -> Self {
        let groups: [TensorGroup] = [.ancillary, .ancillaryStatistics]
        return Self(
            name: .ancillary, firstStep: 0, stepCount: configuration.phases.ancillary.steps,
            objective: .ancillary,
            pool: configuration.method == .convolutional ? .labelledHalf : .labelled,
            imagesPerSlot: configuration.slots.batch, labelledPerSlot: configuration.slots.batch,
            trainedGroups: groups, readGroups: groups,
            baseLearningRate: configuration.phases.ancillary.learningRate
                ?? configuration.optimizer.learningRate)
    }

    static func warmup(_ configuration: Configuration, after earlier: [Self]) -> Self {
        Self(
            name: .warmup, firstStep: earlier.end,
            stepCount: configuration.phases.warmup.steps, objective: .warmup, pool: .labelled,
            imagesPerSlot: configuration.slots.batch, labelledPerSlot: configuration.slots.batch,
            trainedGroups: [.primary, .corrector, .primaryStatistics],
            readGroups: TensorGroup.allCases,
            baseLearningRate: configuration.phases.warmup.learningRate
                ?? configuration.optimizer.learningRate)
    }

    static func main(_ configuration: Configuration, after earlier: [Self]) -> Self {
        let slots = configuration.slots
        let supervised = configuration.method == .supervised
        return Self(
            name: .main, firstStep: earlier.end, stepCount: configuration.phases.main.steps,
            objective: .main(configuration.method),
            pool: !supervised
                ? .labelledAndWeak : configuration.data.pool == .all ? .all : .labelled,
            imagesPerSlot: slots.batch,
            labelledPerSlot: supervised ? slots.batch : slots.labelledCount,
            trainedGroups: configuration.method == .convolutional
                ? [.primary, .corrector, .primaryStatistics] : [.primary, .primaryStatistics],
            readGroups: readGroups(of: configuration.method),
            baseLearningRate: configuration.phases.main.learningRate
                ?? configuration.optimizer.learningRate)
    }

    private static func readGroups(of method: Configuration.Method) -> [TensorGroup] {
        switch method {
        case .supervised, .emFixed: [.primary, .primaryStatistics]
        case .none, .linear:
            [.primary, .ancillary, .primaryStatistics, .ancillaryStatistics]
        case .convolutional: TensorGroup.allCases
        }
    }
}

extension TrainingSchedule.Objective {
    static func main(_ method: Configuration.Method) -> Self {
        switch method {
        case .supervised: .supervised
        case .none: .selfCorrection(.none)
        case .linear: .selfCorrection(.linear)
        case .convolutional: .selfCorrection(.convolutional)
        case .emFixed: .selfCorrection(.emFixed)
        }
    }
}

extension [TrainingSchedule.Phase] {
    /// The first step after these phases.
    var end: Int { last.map { $0.firstStep + $0.stepCount } ?? 0 }
}
