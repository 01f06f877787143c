/// Every bound and deadline of the protocol, in one place.
package struct Limits: Hashable, Sendable {
    /// Between a process's heartbeats, and between its looks at its deadlines.
    package var heartbeatIntervalMilliseconds: UInt64 = 1_000
    /// A peer not heard from for so long is lost.
    package var silenceMilliseconds: UInt64 = 5_000
    /// Members go on so long without the coordinator.
    package var coordinatorSilenceMilliseconds: UInt64 = 60_000
    /// What was not answered is sent again after so long.
    package var retryMilliseconds: UInt64 = 3_000
    /// A process waits so long for its welcome, the coordinator so long for its servers.
    package var joinMilliseconds: UInt64 = 600_000
    /// The coordinator waits so long for the hinted number of workers before the first leases.
    package var firstLeasesMilliseconds: UInt64 = 60_000
    /// Servers load and workers prepare within this.
    package var loadMilliseconds: UInt64 = 600_000
    /// A wait longer than this is reported, with who is missing.
    package var waitReportMilliseconds: UInt64 = 10_000
    /// No commit for so long, with workers present, ends the run.
    package var stepMilliseconds: UInt64 = 1_800_000
    /// No worker for so long ends the run.
    package var idleMilliseconds: UInt64 = 3_600_000
    package var checkpointMilliseconds: UInt64 = 1_800_000
    /// A stopped run's last checkpoint must be on disk within this.
    package var stopMilliseconds: UInt64 = 120_000
    /// From the end of the run to the last goodbye.
    package var farewellMilliseconds: UInt64 = 5_000

    /// Unanswered pulls and unacknowledged pushes of a worker, per server.
    package var pullByteCountInFlight: Int = 32 << 20
    package var pushByteCountInFlight: Int = 32 << 20
    /// Payloads of one sender that a server looks at together; what is beyond is dropped
    /// unanswered, and its sender repeats it.
    package var inspectionByteCountPerPeer: Int = 64 << 20
    /// A payload is sent so often before its sender gives up.
    package var corruptPayloadAttempts: Int = 3
    /// Snapshots of one shard that may be under way; the commit that would add one more waits, for
    /// each keeps a copy of the shard's state in memory.
    package var snapshotsUnderWay: Int = 2
    /// Checkpoints that may fail in a row before the run ends.
    package var checkpointFailuresInRow: Int = 3
    /// Attempts at a node that one of them called non-finite before the run ends.
    package var nonFiniteAttempts: Int = 5
    package var serverCount: Int = 256
    package var workerCount: Int = 4_096
    package var leasesPerWorker: Int = 64
    /// Steps for which leases are granted: the current one and the next.
    package var leasedSteps: Int = 2

    package init() {}
}
