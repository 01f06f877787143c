package struct ServerReady: Hashable, Sendable {
    /// By shard.
    package let shards: [ShardStatus]

    package init(shards: [ShardStatus]) {
        self.shards = shards
    }
}

/// How far a shard is, and what it misses.
package struct ServerProgress: Hashable, Sendable {
    package struct OpenStep: Hashable, Sendable {
        package let step: Step
        /// Slots that some chunk or the trailer lacks; disjoint, in slot order.
        package let missing: [SlotRange]
        package let claims: [NonFiniteClaim]

        package init(step: Step, missing: [SlotRange], claims: [NonFiniteClaim]) {
            self.step = step
            self.missing = missing
            self.claims = claims
        }
    }

    /// A non-finite trailer that no second attempt has confirmed.
    package struct NonFiniteClaim: Hashable, Sendable {
        package let node: SlotRange
        /// In the order of their arrival.
        package let attempts: [Attempt]

        package init(node: SlotRange, attempts: [Attempt]) {
            self.node = node
            self.attempts = attempts
        }
    }

    package let shard: ShardIndex
    package let version: Version
    package let durableThrough: Version
    /// By step.
    package let openSteps: [OpenStep]
    /// The backup that the primary has caught up and waits for: from now on its loss alone can make
    /// the primary act without it, and only with the coordinator's word.
    package let synchronousBackup: ServerIndex?

    package init(
        shard: ShardIndex, version: Version, durableThrough: Version, openSteps: [OpenStep],
        synchronousBackup: ServerIndex? = nil
    ) {
        self.synchronousBackup = synchronousBackup
        self.shard = shard
        self.version = version
        self.durableThrough = durableThrough
        self.openSteps = openSteps
    }
}

/// A contribution that entered a commit.
package struct Contribution: Hashable, Sendable {
    package let node: SlotRange
    package let incarnation: Incarnation
    package let attempt: Attempt
    /// Of the payload; 0 for a trailer.
    package let digest: Digest

    package init(node: SlotRange, incarnation: Incarnation, attempt: Attempt, digest: Digest) {
        self.node = node
        self.incarnation = incarnation
        self.attempt = attempt
        self.digest = digest
    }
}

/// One shard's entry of the ledger.
package struct StepCommitted: Equatable, Sendable {
    package struct ChunkEntry: Hashable, Sendable {
        package let chunk: ChunkID
        /// Of the chunk's new parameters.
        package let hash: Digest
        /// In slot order; empty where the step was skipped.
        package let contributions: [Contribution]

        package init(chunk: ChunkID, hash: Digest, contributions: [Contribution]) {
            self.chunk = chunk
            self.hash = hash
            self.contributions = contributions
        }
    }

    package let shard: ShardIndex
    package let step: Step
    package let decision: Decision
    /// Of the root.
    package let trailer: Trailer
    /// The accepted trailers, in slot order.
    package let trailerContributions: [Contribution]
    /// The chunks that the step trains, by id.
    package let chunks: [ChunkEntry]
    /// Of parameters, optimizer state and statistics of the shard after the commit.
    package let stateHash: Digest
    /// As applied; nil where the step was skipped.
    package let learningRate: Double?
    package let durableThrough: Version

    package init(
        shard: ShardIndex, step: Step, decision: Decision, trailer: Trailer,
        trailerContributions: [Contribution], chunks: [ChunkEntry], stateHash: Digest,
        learningRate: Double? = nil, durableThrough: Version
    ) {
        self.shard = shard
        self.step = step
        self.decision = decision
        self.trailer = trailer
        self.trailerContributions = trailerContributions
        self.chunks = chunks
        self.stateHash = stateHash
        self.learningRate = learningRate
        self.durableThrough = durableThrough
    }
}
