/// A list of tensors that is trained, frozen and read as a whole.
package enum Group: UInt8, CaseIterable, Hashable, Sendable, Comparable {
    case primary = 1
    case ancillary = 2
    case corrector = 3
    case primaryStatistics = 4
    case ancillaryStatistics = 5

    package enum Rule: Hashable, Sendable {
        case descent, movingAverage
    }

    /// How a commit changes the group.
    package var rule: Rule {
        switch self {
        case .primary, .ancillary, .corrector: .descent
        case .primaryStatistics, .ancillaryStatistics: .movingAverage
        }
    }

    package static func < (left: Group, right: Group) -> Bool { left.rawValue < right.rawValue }
}
