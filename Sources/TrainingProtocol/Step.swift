/// One update of the parameters, 0 ..< the plan's step count.
package struct Step: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let index: UInt64

    package init(_ index: UInt64) { self.index = index }

    package var next: Step { Step(index + 1) }

    /// The state that this step's commit leaves behind.
    package var result: Version { Version(index + 1) }

    package var description: String { "\(index)" }

    package static func < (left: Step, right: Step) -> Bool { left.index < right.index }
}

/// A state of the parameters: version v has seen the commits of the steps before v, so that step v
/// reads version v in synchronous mode (`RunPlan.readVersion`).
package struct Version: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let index: UInt64

    package init(_ index: UInt64) { self.index = index }

    package static let initial = Version(0)

    /// The step whose commit makes the next version.
    package var nextStep: Step { Step(index) }

    package var description: String { "\(index)" }

    package static func < (left: Version, right: Version) -> Bool { left.index < right.index }
}
