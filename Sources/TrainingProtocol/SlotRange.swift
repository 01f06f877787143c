/// Slots `lower ..< upper` of a step; never empty.
package struct SlotRange: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let lower: Int
    package let upper: Int

    package init(_ lower: Int, _ upper: Int) {
        precondition(0 <= lower && lower < upper, "slot range [\(lower), \(upper)) is empty")
        self.lower = lower
        self.upper = upper
    }

    package var count: Int { upper - lower }

    package var description: String { "[\(lower), \(upper))" }

    package func contains(_ other: SlotRange) -> Bool {
        lower <= other.lower && other.upper <= upper
    }

    package func overlaps(_ other: SlotRange) -> Bool {
        lower < other.upper && other.lower < upper
    }

    /// Ordered by lower end, the larger range first where these agree.
    package static func < (left: SlotRange, right: SlotRange) -> Bool {
        (left.lower, right.upper) < (right.lower, left.upper)
    }
}
