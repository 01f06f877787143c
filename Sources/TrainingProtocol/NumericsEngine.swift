/// What the run's configuration multiplies with: its class counts among those that a worker names.
package struct NumericsEngine: Hashable, Sendable {
    /// The first word of its classes.
    package let name: String
    /// What a worker must have to name such a class, for refusals.
    package let requirement: String

    package init(name: String, requirement: String) {
        self.name = name
        self.requirement = requirement
    }
}
