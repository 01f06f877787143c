/// One message: tensors and other long contents travel as frames behind a small header.
package struct Message: Equatable, Sendable {
    package let header: Header
    package let body: MessageBody

    package init(header: Header, body: MessageBody) {
        self.header = header
        self.body = body
    }
}

/// Every message of the protocol.
///
/// The direction is in each comment: C coordinator, S server, W worker, O observer.
package enum MessageBody: Equatable, Sendable {
    // Membership
    /// S, W, O → C; first message, repeated until it is answered.
    case greeting(Greeting)
    /// C → S, W
    case welcome(Welcome)
    /// Any → any: the sender will not talk to the receiver.
    case refusal(Refusal)
    /// Any → any, regularly.
    case heartbeat(Heartbeat)
    /// S, W → C: the sender was asked to stop.
    case drain
    /// C → S, W: the run is over.
    case finish(Finish)
    /// Any → any: the sender is leaving now.
    case goodbye(Goodbye)
    /// C → S, W: terms, primaries or endpoints changed.
    case placementChanged(Placement)

    // Leases
    /// C → W
    case lease(Lease)
    /// C → W: do not begin it; a lease already begun is finished.
    case leaseRevoked(LeaseID)
    /// W → C: the worker will not compute it.
    case leaseReturned(LeaseReturned)

    // Parameters and gradients
    /// W → S
    case pull(Pull)
    /// S → W
    case parameters(Parameters)
    /// S → W
    case pullRefused(PullRefused)
    /// W → S
    case push(Push)
    /// S → W
    case pushAcknowledged(PushAcknowledged)
    /// W → S
    case trailer(TrailerReport)
    /// S → W
    case trailerAcknowledged(TrailerAcknowledged)

    // Progress
    /// S → C: the server holds its shards' state.
    case serverReady(ServerReady)
    /// S → C, with each heartbeat and where something is claimed.
    case serverProgress(ServerProgress)
    /// S → C, repeated until `Heartbeat.recordedThrough` covers it.
    case stepCommitted(StepCommitted)

    // Checkpoints
    /// C → S: write a checkpoint of this version although the plan does not ask for one.
    case checkpointRequested(Version)
    /// S → C, repeated until acknowledged.
    case shardWritten(ShardWritten)
    /// S → C, repeated until acknowledged.
    case shardNotWritten(ShardNotWritten)
    /// C → S
    case shardWrittenAcknowledged(ShardWrittenAcknowledged)
    /// C → S, W: the manifest is on disk.
    case checkpointCommitted(CheckpointReference)

    // Replication and recovery
    /// Primary → backup
    case rootReplicated(RootReplicated)
    /// Primary → backup
    case decisionReplicated(DecisionReplicated)
    /// Backup → primary
    case replicaAcknowledged(ReplicaAcknowledged)
    /// S → C: this shard's backup does not answer; may the primary act alone?
    case backupLost(BackupLost)
    /// New backup → primary
    case fillRequested(FillRequested)
    /// Primary → new backup
    case fill(Fill)
    /// C → S, W: go back to a checkpoint.
    case rollBack(RollBack)

    // Operators
    /// O → C
    case statusRequested
    /// C → O
    case status(ClusterStatus)
    /// O → C
    case scaleRequested(ScaleRequest)
}
