package struct MemberStatus: Hashable, Sendable {
    package let member: MemberID
    package let role: Role
    package let host: String
    package let processID: UInt32
    package let activity: Heartbeat.Activity
    package let silenceMilliseconds: UInt64
    /// Of a worker: what it holds, by id.
    package let leases: [Lease]
    /// Of a worker: median time of a slot, 0 if unknown.
    package let slotMilliseconds: UInt64
    /// Of a worker: the share of its slots' time that it waited for their data, in thousandths.
    package let inputWaitPermille: UInt32
    /// Of a worker: the share of its time that it held a lease and waited for its parameters, in
    /// thousandths.
    package let pullWaitPermille: UInt32

    package init(
        member: MemberID, role: Role, host: String, processID: UInt32,
        activity: Heartbeat.Activity, silenceMilliseconds: UInt64, leases: [Lease],
        slotMilliseconds: UInt64, inputWaitPermille: UInt32, pullWaitPermille: UInt32
    ) {
        self.inputWaitPermille = inputWaitPermille
        self.pullWaitPermille = pullWaitPermille
        self.member = member
        self.role = role
        self.host = host
        self.processID = processID
        self.activity = activity
        self.silenceMilliseconds = silenceMilliseconds
        self.leases = leases
        self.slotMilliseconds = slotMilliseconds
    }
}

package struct ClusterStatus: Hashable, Sendable {
    package let version: Version
    package let finalVersion: Version
    package let durableThrough: Version
    package let stepMilliseconds: UInt64
    package let members: [MemberStatus]
    package let shards: [ShardStatus]
    package let lastCheckpoint: CheckpointReference?
    package let alarms: [String]

    package init(
        version: Version, finalVersion: Version, durableThrough: Version, stepMilliseconds: UInt64,
        members: [MemberStatus], shards: [ShardStatus], lastCheckpoint: CheckpointReference? = nil,
        alarms: [String]
    ) {
        self.version = version
        self.finalVersion = finalVersion
        self.durableThrough = durableThrough
        self.stepMilliseconds = stepMilliseconds
        self.members = members
        self.shards = shards
        self.lastCheckpoint = lastCheckpoint
        self.alarms = alarms
    }
}

package struct ScaleRequest: Hashable, Sendable {
    package let workerCount: Int

    package init(workerCount: Int) { self.workerCount = workerCount }
}
