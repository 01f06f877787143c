/// What the driver must do, in order.
package enum Effect: Equatable, Sendable {
    case connect(Peer, endpoint: String)
    case disconnect(Peer)
    case send(Message, to: Peer)
    case setTimer(TimerID, deadline: Instant)
    case cancelTimer(TimerID)
    case start(JobID, Job)
    case report(Observation)
    /// The last effect of a machine; the driver flushes what was sent before it.
    case terminate(TerminationReason)
}

/// One role's protocol logic: the same events in the same order give the same effects.
package protocol RoleMachine: Sendable {
    mutating func handle(_ event: Event, at now: Instant, into effects: inout [Effect])
}
