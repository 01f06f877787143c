/// A stretch of steps with one learning-rate schedule and one choice of what is trained.
package struct Phase: Hashable, Sendable {
    package let name: String
    package let firstStep: Step
    package let stepCount: UInt64
    /// The groups whose gradients or statistics are pushed and committed, in `Group` order.
    package let trainedGroups: [Group]
    /// The groups that a slot's computation reads, in `Group` order; holds the trained ones.
    package let readGroups: [Group]

    package init(
        name: String, firstStep: Step, stepCount: UInt64, trainedGroups: [Group],
        readGroups: [Group]
    ) {
        self.name = name
        self.firstStep = firstStep
        self.stepCount = stepCount
        self.trainedGroups = trainedGroups
        self.readGroups = readGroups
    }

    package var endStep: Step { Step(firstStep.index + stepCount) }

    package func contains(_ step: Step) -> Bool { firstStep <= step && step < endStep }
}
