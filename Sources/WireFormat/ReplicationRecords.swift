import CWireMessages
import TrainingProtocol

extension RootReplicated {
    func wire(_ arena: Arena) -> Emend__Push {
        .make {
            $0.shard = UInt32(shard.index)
            $0.step = step.index
            $0.chunk = UInt32(chunk.index)
            $0.digest = digest.value
        }
    }

    init(_ wire: Emend__Push, payload: Frame) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), step: try readStep(wire.step),
            chunk: ChunkID(Int(wire.chunk)), digest: Digest(wire.digest), payload: payload)
    }
}

extension ReplicaAcknowledged {
    func wire() -> Emend__ReplicaAcknowledged {
        .make {
            $0.shard = UInt32(shard.index)
            $0.version = version.index
            $0.state_hash = stateHash.value
        }
    }

    init(_ wire: Emend__ReplicaAcknowledged) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), version: try readVersion(wire.version),
            stateHash: Digest(wire.state_hash))
    }
}

extension BackupLost {
    func wire() -> Emend__BackupLost {
        .make {
            $0.shard = UInt32(shard.index)
            $0.backup = UInt32(backup.index)
            $0.version = version.index
        }
    }

    init(_ wire: Emend__BackupLost) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), backup: ServerIndex(Int(wire.backup)),
            version: try readVersion(wire.version))
    }
}

extension FillRequested {
    func wire() -> Emend__Fill {
        .make {
            $0.shard = UInt32(shard.index)
            $0.part = nextPart
        }
    }

    init(_ wire: Emend__Fill) throws(WireError) {
        self.init(shard: ShardIndex(Int(wire.shard)), nextPart: wire.part)
    }
}

extension Fill {
    func wire(_ arena: Arena) -> Emend__Fill {
        .make {
            $0.shard = UInt32(shard.index)
            $0.version = version.index
            $0.part = part
            $0.part_count = partCount
            $0.chunk = UInt32(chunk.index)
            $0.section = arena.text(section)
            $0.digest = digest.value
        }
    }

    init(_ wire: Emend__Fill, payload: Frame) throws(WireError) {
        guard wire.part < wire.part_count else { throw .invalid(.part) }
        self.init(
            shard: ShardIndex(Int(wire.shard)), version: try readVersion(wire.version),
            part: wire.part, partCount: wire.part_count, chunk: ChunkID(Int(wire.chunk)),
            section: try readText(wire.section), digest: Digest(wire.digest), payload: payload)
    }
}

extension RollBack {
    func wire(_ arena: Arena) -> Emend__RollBack {
        .make {
            $0.target = arena.record(target.wire(arena))
            $0.placement = arena.record(placement.wire(arena))
        }
    }

    init(_ wire: Emend__RollBack) throws(WireError) {
        self.init(
            target: try CheckpointReference(read(wire.target, .checkpoint)),
            placement: try Placement(read(wire.placement, .placement)))
    }
}
