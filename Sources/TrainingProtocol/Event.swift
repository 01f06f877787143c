/// What happened: facts only; the driver adds the time.
package enum Event: Equatable, Sendable {
    case started
    /// SIGTERM or SIGINT; the second one ends the process at once.
    case stopRequested
    case received(Message, from: Peer)
    /// The link is gone, or a send found no route.
    case disconnected(Peer)
    case timerFired(TimerID)
    case progressed(JobID, JobProgress)
    case finished(JobID, JobOutcome)
}

package enum TimerID: Hashable, Sendable {
    /// Every heartbeat interval: beats, resends, looks for silence.
    case tick
    /// Coordinator: the hinted number of workers is waited for no longer.
    case firstLeases
    /// Coordinator: a server whose link broke has had its time to come back.
    case suspicion
    /// The process leaves even if a goodbye is missing.
    case farewell
}
