/// What every message carries.
package struct Header: Hashable, Sendable {
    package static let currentProtocolVersion: UInt32 = 5

    package let protocolVersion: UInt32
    /// `RunID.none` from a process that has not been welcomed.
    package let run: RunID
    package let role: Role
    /// The sender's.
    package let incarnation: Incarnation
    /// Refuses control messages of a coordinator that was replaced.
    package let coordinatorTerm: CoordinatorTerm
    /// Of the shard that a data message is about, as its sender knows it; else 0.
    ///
    /// Refuses data.
    package let shardTerm: ShardTerm

    package init(
        protocolVersion: UInt32, run: RunID, role: Role, incarnation: Incarnation,
        coordinatorTerm: CoordinatorTerm, shardTerm: ShardTerm
    ) {
        self.protocolVersion = protocolVersion
        self.run = run
        self.role = role
        self.incarnation = incarnation
        self.coordinatorTerm = coordinatorTerm
        self.shardTerm = shardTerm
    }
}
