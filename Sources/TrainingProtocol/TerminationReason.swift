/// Why a machine ended.
package enum TerminationReason: Equatable, Sendable {
    /// The run is complete and its last checkpoint is on disk.
    case completed
    /// Stopped on request; the newest checkpoint, which the coordinator alone knows.
    case stopped(CheckpointReference?)
    /// A worker gave back its leases and left on request.
    case drained
    /// A second stop request came.
    case aborted
    case refused(Refusal)
    case serverLost(ServerIndex, Observation.Departure)
    case coordinatorLost(Observation.Departure)
    /// The coordinator ended the run.
    case runFailed(String)
    case jobFailed(JobFailure)
    /// Every worker that was asked gave the slots back.
    case slotsRefused(step: Step, node: SlotRange, JobFailure)
    /// Shards decided differently on one step, or a count does not add up.
    case inconsistent(step: Step, String)
    /// A slot's gradients are not finite or beyond the cap, and the plan says to stop.
    case notFinite(step: Step, slot: Int)
    /// A peer refused what this process sent although it was right here.
    case contributionRefused(step: Step, node: SlotRange, ContributionOutcome)
    case pullRefused(PullRefused)
    case deadlinePassed(Wait, milliseconds: UInt64)
    case checkpointFailed(Version, String)
}
