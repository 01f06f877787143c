import TrainingProtocol

/// Does the heavy work that a machine starts, away from the loop.
package protocol JobRunner: Sendable {
    /// Begins a job and returns at once. `report` may be called on any thread: any number of times
    /// with `.progressed`, then once with `.finished`. Jobs begin in the order of the calls.
    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void)
}

package enum JobReport: Sendable {
    case progressed(JobProgress)
    case finished(JobOutcome)
}
