/// What a simulation found to be wrong.
package struct InvariantViolation: Error, CustomStringConvertible, Equatable {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// A failed simulation: the seed to replay it, and its last events.
package struct SimulationFailure: Error, CustomStringConvertible {
    package let seed: UInt64
    package let options: SimulationOptions
    package let violation: InvariantViolation
    package let story: [String]

    package var description: String {
        """
        seed \(seed): \(violation)
        \(options)
        \(story.joined(separator: "\n"))
        """
    }
}
