/// Every bound and deadline of the protocol, in one place.
package struct Limits: Hashable, Sendable {
    /// Between a process's heartbeats, and between its looks at its deadlines.
    package var heartbeatIntervalMilliseconds: UInt64 = 500
    /// A peer not heard from for so long is lost.
    package var silenceMilliseconds: UInt64 = 4_000
    /// A server whose link broke is lost after so long; a worker whose link broke loses its leases
    /// at once, and its place after `retryMilliseconds`.
    package var suspicionMilliseconds: UInt64 = 500
    /// Members go on so long without the coordinator.
    package var coordinatorSilenceMilliseconds: UInt64 = 90_000
    /// A worker goes on so long without a server that the coordinator believes in.
    package var serverSilenceMilliseconds: UInt64 = 60_000
    /// A coordinator that was started again waits so long for the servers of its run, and one whose
    /// run goes back so long for the servers that it began with.
    package var rejoinMilliseconds: UInt64 = 5_000
    /// A coordinator that was started again grants nothing for so long, since workers come with
    /// leases of their own.
    package var leaseGraceMilliseconds: UInt64 = 700
    /// Two requests to stop within this are one: a signal often comes twice.
    package var stopRepetitionMilliseconds: UInt64 = 300
    /// What was not answered is sent again after so long.
    package var retryMilliseconds: UInt64 = 3_000
    /// A process waits so long for its welcome, the coordinator so long for its servers.
    package var joinMilliseconds: UInt64 = 600_000
    /// The coordinator waits so long for the hinted number of workers before the first leases.
    package var firstLeasesMilliseconds: UInt64 = 60_000
    /// Servers load and workers prepare within this.
    package var loadMilliseconds: UInt64 = 600_000
    /// A run whose primary has to wait for a new backup to be filled waits no longer than this.
    package var fillMilliseconds: UInt64 = 60_000
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
    /// Steps that a primary keeps for a backup that is being filled, and a backup ahead of what it
    /// has applied.
    package var replicasQueued: Int = 8
    /// Checkpoints that may fail in a row before the run ends.
    package var checkpointFailuresInRow: Int = 3
    /// Attempts at a node that one of them called non-finite before the run ends.
    package var nonFiniteAttempts: Int = 5
    package var serverCount: Int = 256
    package var workerCount: Int = 4_096
    /// In synchronous mode; for each step of lag so many more.
    package var leasesPerWorker: Int = 64
    /// Steps for which leases are granted in synchronous mode: the current one and the next; for
    /// each step of lag one more.
    package var leasedSteps: Int = 2
    /// A lease that takes so many times as long as its slots usually do is granted to another
    /// worker too.
    package var lateness: UInt64 = 3
    /// And at least so long.
    package var latenessMilliseconds: UInt64 = 1_000

    package init() {}
}
