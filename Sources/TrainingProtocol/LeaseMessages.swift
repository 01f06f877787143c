/// One node of one step, granted to one worker.
package struct Lease: Hashable, Sendable {
    package let id: LeaseID
    package let step: Step
    package let node: SlotRange
    package let attempt: Attempt

    package init(id: LeaseID, step: Step, node: SlotRange, attempt: Attempt) {
        self.id = id
        self.step = step
        self.node = node
        self.attempt = attempt
    }
}

package struct LeaseReturned: Hashable, Sendable {
    package enum Reason: UInt8, Hashable, Sendable {
        /// The worker is leaving.
        case draining = 1
        /// It had not begun when the lease was revoked.
        case revoked = 2
        /// Its copy of the data differs from the configuration's index, or cannot be read.
        case data = 3
        /// Its computation failed otherwise.
        case failed = 4
    }

    package let lease: LeaseID
    package let reason: Reason
    package let explanation: String

    package init(lease: LeaseID, reason: Reason, explanation: String) {
        self.lease = lease
        self.reason = reason
        self.explanation = explanation
    }
}
