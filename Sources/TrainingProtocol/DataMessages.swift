/// Asks for a chunk at the version at which it last changed.
package struct Pull: Hashable, Sendable {
    package let shard: ShardIndex
    /// Nil asks for an empty answer as soon as the shard has reached `version`.
    package let chunk: ChunkID?
    package let version: Version

    package init(shard: ShardIndex, chunk: ChunkID? = nil, version: Version) {
        self.shard = shard
        self.chunk = chunk
        self.version = version
    }
}

package struct Parameters: Hashable, Sendable {
    package let shard: ShardIndex
    package let chunk: ChunkID?
    package let version: Version
    package let durableThrough: Version
    /// The chunk's float32, little-endian; nil where no chunk was asked for.
    package let payload: Frame?

    package init(
        shard: ShardIndex, chunk: ChunkID? = nil, version: Version, durableThrough: Version,
        payload: Frame? = nil
    ) {
        self.shard = shard
        self.chunk = chunk
        self.version = version
        self.durableThrough = durableThrough
        self.payload = payload
    }
}

package struct PullRefused: Hashable, Sendable {
    package enum Reason: UInt8, Hashable, Sendable {
        /// The version is older than what is kept; the step that reads it is committed.
        case dropped = 1
        case unknownChunk = 2
        /// No step will ever make this version of the chunk.
        case unknownVersion = 3
        case shardTerm = 4
    }

    package let shard: ShardIndex
    package let chunk: ChunkID?
    package let version: Version
    package let reason: Reason
    package let shardVersion: Version

    package init(
        shard: ShardIndex, chunk: ChunkID? = nil, version: Version, reason: Reason,
        shardVersion: Version
    ) {
        self.shard = shard
        self.chunk = chunk
        self.version = version
        self.reason = reason
        self.shardVersion = shardVersion
    }
}

/// A node's gradient (or statistics) of one chunk.
package struct Push: Hashable, Sendable {
    package let shard: ShardIndex
    package let step: Step
    /// The version that was read.
    package let readVersion: Version
    package let node: SlotRange
    package let chunk: ChunkID
    package let attempt: Attempt
    package let digest: Digest
    package let payload: Frame

    package init(
        shard: ShardIndex, step: Step, readVersion: Version, node: SlotRange, chunk: ChunkID,
        attempt: Attempt, digest: Digest, payload: Frame
    ) {
        self.shard = shard
        self.step = step
        self.readVersion = readVersion
        self.node = node
        self.chunk = chunk
        self.attempt = attempt
        self.digest = digest
        self.payload = payload
    }
}

/// What became of a contribution.
package enum ContributionOutcome: UInt8, Hashable, Sendable {
    case recorded = 1
    /// The same node was there, with the same digest.
    case duplicate = 2
    /// Nodes that were there cover it.
    case covered = 3
    /// The step is committed.
    case stale = 4
    /// The shard is not yet at the step; send it again later.
    case early = 5
    /// A non-finite trailer waits for a second attempt that agrees.
    case awaitingConfirmation = 6
    // Refused:
    /// The payload does not have the digest it was sent with.
    case corrupt = 7
    /// The payload is not finite although no flag said so.
    case nonFinite = 8
    /// The same node was there with another digest.
    case mismatch = 9
    /// Chunk, node, length, version or count is not one of the plan's.
    case malformed = 10
    case shardTerm = 11

    package var isRefusal: Bool { rawValue >= ContributionOutcome.corrupt.rawValue }

    /// Whether the sender need not send it again.
    package var isSettled: Bool { self != .early && self != .corrupt && self != .shardTerm }
}

package struct PushAcknowledged: Hashable, Sendable {
    package let shard: ShardIndex
    package let step: Step
    package let node: SlotRange
    package let chunk: ChunkID
    package let attempt: Attempt
    package let outcome: ContributionOutcome
    package let durableThrough: Version

    package init(
        shard: ShardIndex, step: Step, node: SlotRange, chunk: ChunkID, attempt: Attempt,
        outcome: ContributionOutcome, durableThrough: Version
    ) {
        self.shard = shard
        self.step = step
        self.node = node
        self.chunk = chunk
        self.attempt = attempt
        self.outcome = outcome
        self.durableThrough = durableThrough
    }
}

/// A node's trailer, sent to every shard after the node's last push.
package struct TrailerReport: Equatable, Sendable {
    package let shard: ShardIndex
    package let step: Step
    package let readVersion: Version
    package let node: SlotRange
    package let attempt: Attempt
    package let trailer: Trailer

    package init(
        shard: ShardIndex, step: Step, readVersion: Version, node: SlotRange, attempt: Attempt,
        trailer: Trailer
    ) {
        self.shard = shard
        self.step = step
        self.readVersion = readVersion
        self.node = node
        self.attempt = attempt
        self.trailer = trailer
    }
}

package struct TrailerAcknowledged: Hashable, Sendable {
    package let shard: ShardIndex
    package let step: Step
    package let node: SlotRange
    package let attempt: Attempt
    package let outcome: ContributionOutcome
    package let durableThrough: Version

    package init(
        shard: ShardIndex, step: Step, node: SlotRange, attempt: Attempt,
        outcome: ContributionOutcome, durableThrough: Version
    ) {
        self.shard = shard
        self.step = step
        self.node = node
        self.attempt = attempt
        self.outcome = outcome
        self.durableThrough = durableThrough
    }
}
