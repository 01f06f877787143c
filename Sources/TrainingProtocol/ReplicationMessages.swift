/// The sum of a step's gradients of one chunk, from the primary to its backup.
package struct RootReplicated: Hashable, Sendable {
    package let shard: ShardIndex
    package let step: Step
    package let chunk: ChunkID
    package let digest: Digest
    package let payload: Frame

    package init(shard: ShardIndex, step: Step, chunk: ChunkID, digest: Digest, payload: Frame) {
        self.shard = shard
        self.step = step
        self.chunk = chunk
        self.digest = digest
        self.payload = payload
    }
}

/// What the primary decided: the backup runs the same update from it and the roots.
package struct DecisionReplicated: Equatable, Sendable {
    /// As the primary reports it to the coordinator, so that a backup can report it too.
    package let commit: StepCommitted

    package init(commit: StepCommitted) {
        self.commit = commit
    }
}

package struct ReplicaAcknowledged: Hashable, Sendable {
    package let shard: ShardIndex
    package let version: Version
    package let stateHash: Digest

    package init(shard: ShardIndex, version: Version, stateHash: Digest) {
        self.shard = shard
        self.version = version
        self.stateHash = stateHash
    }
}

package struct BackupLost: Hashable, Sendable {
    package let shard: ShardIndex
    package let backup: ServerIndex
    package let version: Version

    package init(shard: ShardIndex, backup: ServerIndex, version: Version) {
        self.shard = shard
        self.backup = backup
        self.version = version
    }
}

/// A new backup's request for the part of a shard's state after `part`.
package struct FillRequested: Hashable, Sendable {
    package let shard: ShardIndex
    package let nextPart: UInt32

    package init(shard: ShardIndex, nextPart: UInt32) {
        self.shard = shard
        self.nextPart = nextPart
    }
}

/// One part of a shard's state at one version: a chunk's parameters or one of its optimizer slots.
package struct Fill: Hashable, Sendable {
    package let shard: ShardIndex
    package let version: Version
    package let part: UInt32
    package let partCount: UInt32
    package let chunk: ChunkID
    /// What the part is, in the terms of whoever keeps the values: the protocol only carries it.
    package let section: String
    package let digest: Digest
    package let payload: Frame

    package init(
        shard: ShardIndex, version: Version, part: UInt32, partCount: UInt32, chunk: ChunkID,
        section: String, digest: Digest, payload: Frame
    ) {
        self.shard = shard
        self.version = version
        self.part = part
        self.partCount = partCount
        self.chunk = chunk
        self.section = section
        self.digest = digest
        self.payload = payload
    }
}

package struct RollBack: Hashable, Sendable {
    package let target: CheckpointReference
    /// With every shard term raised.
    package let placement: Placement

    package init(target: CheckpointReference, placement: Placement) {
        self.target = target
        self.placement = placement
    }
}
