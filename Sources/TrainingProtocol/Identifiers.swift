// Every identifier is a type of its own, so that a step can never be passed for a version.

/// One training run, from its first start to its last resume.
package struct RunID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    /// The run of a process that has not been welcomed to one yet.
    package static let none = RunID(high: 0, low: 0)

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package var description: String { hexadecimal(high) + hexadecimal(low) }
}

/// One life of one process: fresh at every start, hence also the process's address.
package struct Incarnation: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package var description: String { hexadecimal(high) + hexadecimal(low) }

    package static func < (left: Incarnation, right: Incarnation) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// The number under which the coordinator knows a process; never given twice in a run.
package struct MemberID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let index: UInt32

    package init(_ index: UInt32) { self.index = index }

    package var description: String { "\(index)" }

    package static func < (left: MemberID, right: MemberID) -> Bool { left.index < right.index }
}

/// A parameter-server process of the placement, 0 ..< servers.
package struct ServerIndex: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let index: Int

    package init(_ index: Int) { self.index = index }

    package var description: String { "\(index)" }

    package static func < (left: ServerIndex, right: ServerIndex) -> Bool {
        left.index < right.index
    }
}

/// A set of chunks that is served, committed, replicated and fenced together.
package struct ShardIndex: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let index: Int

    package init(_ index: Int) { self.index = index }

    package var description: String { "\(index)" }

    package static func < (left: ShardIndex, right: ShardIndex) -> Bool { left.index < right.index }
}

/// A chunk's place in the run's chunk plan.
package struct ChunkID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let index: Int

    package init(_ index: Int) { self.index = index }

    package var description: String { "\(index)" }

    package static func < (left: ChunkID, right: ChunkID) -> Bool { left.index < right.index }
}

/// Counts the primaries of a shard; alone decides whether data are refused.
package struct ShardTerm: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }

    package var description: String { "\(number)" }

    package static func < (left: ShardTerm, right: ShardTerm) -> Bool { left.number < right.number }
}

/// Counts the coordinator's starts; alone decides whether control messages are refused.
package struct CoordinatorTerm: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }

    package var description: String { "\(number)" }

    package static func < (left: CoordinatorTerm, right: CoordinatorTerm) -> Bool {
        left.number < right.number
    }
}

/// A lease; unique within one coordinator term.
package struct LeaseID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }

    package var description: String { "\(number)" }

    package static func < (left: LeaseID, right: LeaseID) -> Bool { left.number < right.number }
}

/// Tells apart the computations of one step; grows with every lease granted for it.
package struct Attempt: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }

    package var description: String { "\(number)" }

    package static func < (left: Attempt, right: Attempt) -> Bool { left.number < right.number }
}

/// A job that a machine has started; unique within one machine.
package struct JobID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }

    package var description: String { "\(number)" }

    package static func < (left: JobID, right: JobID) -> Bool { left.number < right.number }
}

private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
