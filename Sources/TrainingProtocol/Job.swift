/// Heavy work that leaves the loop; `Event.finished` brings back its outcome.
///
/// Jobs of one machine begin in the order they were started. `commit` and `snapshot` of one shard
/// must also take effect in that order: a snapshot takes its references before the next commit.
package enum Job: Equatable, Sendable {
    // Worker
    /// → `.prepared`: build data source and engine for the run.
    case prepare(PrepareJob)
    /// Puts chunks where the computations that follow read them.
    ///
    /// Nothing is reported.
    case place([ChunkParameters])
    /// → `.computed`
    case compute(ComputeJob)
    // Server
    /// → `.loaded`
    case load(LoadJob)
    /// → `.inspected`
    case inspect(InspectJob)
    /// → `.committed`
    case commit(CommitJob)
    /// → `.written`
    case snapshot(SnapshotJob)
    /// → `.collected`: the whole state of a shard, for its new backup.
    case collect(CollectJob)
    /// → `.loaded`: what a primary collected becomes a backup's state.
    case install(InstallJob)
    /// Forgets a shard's state.
    ///
    /// Nothing is reported.
    case drop(ShardIndex)
    // Coordinator
    /// → `.journaled`
    case journal(JournalEntry)
    /// → `.manifestWritten`
    case writeManifest(ManifestJob)
    /// → `.checkpointFound`: the newest checkpoint that verifies.
    case findCheckpoint
    /// → `.recorded`: appends committed steps to the ledger, and waits for the disk.
    case record([StepRecord])
    /// → `.ledgerCut`: forgets the ledger's entries of the steps from this version on.
    case cutLedger(Version)
}

package struct PrepareJob: Equatable, Sendable {
    package let configuration: Frame
    package let plan: RunPlan

    package init(configuration: Frame, plan: RunPlan) {
        self.configuration = configuration
        self.plan = plan
    }
}

/// A chunk at a version, as a server sent it.
package struct ChunkParameters: Equatable, Sendable {
    package let chunk: ChunkID
    package let version: Version
    package let payload: Frame

    package init(chunk: ChunkID, version: Version, payload: Frame) {
        self.chunk = chunk
        self.version = version
        self.payload = payload
    }
}

/// Computes one node of one step, from what was placed last, and sums its slots in the canonical
/// tree.
package struct ComputeJob: Equatable, Sendable {
    package let step: Step
    package let node: SlotRange
    package let attempt: Attempt
    /// The chunks whose gradients are wanted, in forward order.
    package let trainedChunks: [ChunkID]

    package init(
        step: Step, node: SlotRange, attempt: Attempt, trainedChunks: [ChunkID]
    ) {
        self.step = step
        self.node = node
        self.attempt = attempt
        self.trainedChunks = trainedChunks
    }
}

package struct LoadJob: Equatable, Sendable {
    package let shard: ShardIndex
    package let chunks: [ChunkID]
    package let source: LoadSource
    package let startVersion: Version
    package let configuration: Frame
    package let plan: RunPlan

    package init(
        shard: ShardIndex, chunks: [ChunkID], source: LoadSource, startVersion: Version,
        configuration: Frame, plan: RunPlan
    ) {
        self.shard = shard
        self.chunks = chunks
        self.source = source
        self.startVersion = startVersion
        self.configuration = configuration
        self.plan = plan
    }
}

/// Checks a payload's digest, then that all its numbers are finite.
package struct InspectJob: Equatable, Sendable {
    package let digest: Digest
    package let payload: Frame
    package let format: GradientFormat

    package init(digest: Digest, payload: Frame, format: GradientFormat) {
        self.digest = digest
        self.payload = payload
        self.format = format
    }
}

/// Reduces each chunk's nodes to the root, scales it by Float(1/V), and applies the update rule.
package struct CommitJob: Equatable, Sendable {
    /// Whether the result holds the roots, for a backup.
    package enum RootDemand: UInt8, Equatable, Sendable {
        case unused, wanted
    }

    package struct NodePayload: Equatable, Sendable {
        package let node: SlotRange
        package let payload: Frame

        package init(node: SlotRange, payload: Frame) {
            self.node = node
            self.payload = payload
        }
    }

    package struct ChunkNodes: Equatable, Sendable {
        package let chunk: ChunkID
        /// Disjoint, in slot order, covering all slots; empty where the step is skipped.
        package let nodes: [NodePayload]

        package init(chunk: ChunkID, nodes: [NodePayload]) {
            self.chunk = chunk
            self.nodes = nodes
        }
    }

    package let shard: ShardIndex
    package let step: Step
    package let decision: Decision
    package let trailer: Trailer
    /// The chunks that the step trains, in forward order.
    package let chunks: [ChunkNodes]
    package let roots: RootDemand

    package init(
        shard: ShardIndex, step: Step, decision: Decision, trailer: Trailer, chunks: [ChunkNodes],
        roots: RootDemand
    ) {
        self.roots = roots
        self.shard = shard
        self.step = step
        self.decision = decision
        self.trailer = trailer
        self.chunks = chunks
    }
}

/// Writes the shard's state at `version` in the background, from references taken at once.
package struct SnapshotJob: Equatable, Sendable {
    package let shard: ShardIndex
    /// Shards of the run, which names the file: shard of shards.
    package let shardCount: Int
    package let term: ShardTerm
    package let version: Version
    /// What the steps to come read beside the values at `version`.
    package let earlier: [EarlierChunk]

    package init(
        shard: ShardIndex, shardCount: Int, term: ShardTerm, version: Version,
        earlier: [EarlierChunk] = []
    ) {
        self.shard = shard
        self.shardCount = shardCount
        self.term = term
        self.version = version
        self.earlier = earlier
    }
}

/// One part of a shard's state; what the sections are is known to the runner of jobs alone.
package struct StatePart: Equatable, Sendable {
    package let chunk: ChunkID
    package let section: String
    package let digest: Digest
    package let payload: Frame

    package init(chunk: ChunkID, section: String, digest: Digest, payload: Frame) {
        self.chunk = chunk
        self.section = section
        self.digest = digest
        self.payload = payload
    }
}

/// Takes references to a shard's whole state at `version`, the one it has when the job begins.
package struct CollectJob: Equatable, Sendable {
    package let shard: ShardIndex
    package let version: Version
    /// What the steps to come read beside the values at `version`: parts of the state too.
    package let earlier: [EarlierChunk]

    package init(shard: ShardIndex, version: Version, earlier: [EarlierChunk] = []) {
        self.shard = shard
        self.version = version
        self.earlier = earlier
    }
}

/// Makes collected parts a shard's state; fails where one is damaged or missing.
package struct InstallJob: Equatable, Sendable {
    package let shard: ShardIndex
    package let chunks: [ChunkID]
    package let version: Version
    package let parts: [StatePart]
    package let configuration: Frame
    package let plan: RunPlan

    package init(
        shard: ShardIndex, chunks: [ChunkID], version: Version, parts: [StatePart],
        configuration: Frame, plan: RunPlan
    ) {
        self.shard = shard
        self.chunks = chunks
        self.version = version
        self.parts = parts
        self.configuration = configuration
        self.plan = plan
    }
}

package struct ManifestJob: Equatable, Sendable {
    package let version: Version
    package let numericsClass: NumericsClass?
    /// By shard.
    package let shards: [ShardWritten]

    package init(version: Version, numericsClass: NumericsClass? = nil, shards: [ShardWritten]) {
        self.version = version
        self.numericsClass = numericsClass
        self.shards = shards
    }
}
