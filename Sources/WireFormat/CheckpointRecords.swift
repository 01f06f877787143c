import CWireMessages
import TrainingProtocol

extension CheckpointReference {
    func wire(_ arena: Arena) -> Emend__Checkpoint {
        .make {
            $0.version = version.index
            $0.manifest = arena.text(manifest)
            $0.hash = arena.hash(hash)
        }
    }

    init(_ wire: Emend__Checkpoint) throws(WireError) {
        self.init(
            version: try readVersion(wire.version), manifest: try readText(wire.manifest),
            hash: try readHash(wire.hash))
    }
}

extension ShardWritten {
    func wire(_ arena: Arena) -> Emend__ShardWritten {
        .make {
            $0.shard = UInt32(shard.index)
            $0.version = version.index
            $0.n_files = files.count
            $0.files = arena.records(files) { $0.wire(arena) }
        }
    }

    init(_ wire: Emend__ShardWritten, description: Frame) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), version: try readVersion(wire.version),
            files: try readList(wire.n_files, wire.files, .checkpoint, WrittenFile.init),
            description: description)
    }
}

extension WrittenFile {
    func wire(_ arena: Arena) -> Emend__WrittenFile {
        .make {
            $0.name = arena.text(name)
            $0.byte_count = byteCount
            $0.hash = arena.hash(hash)
        }
    }

    init(_ wire: Emend__WrittenFile) throws(WireError) {
        self.init(
            name: try readText(wire.name), byteCount: UInt64(try readQuantity(wire.byte_count)),
            hash: try readHash(wire.hash))
    }
}

extension ShardNotWritten {
    func wire(_ arena: Arena) -> Emend__ShardWritten {
        .make {
            $0.shard = UInt32(shard.index)
            $0.version = version.index
            $0.explanation = arena.text(explanation)
        }
    }

    init(_ wire: Emend__ShardWritten) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), version: try readVersion(wire.version),
            explanation: try readText(wire.explanation))
    }
}

extension ShardWrittenAcknowledged {
    func wire() -> Emend__ShardWritten {
        .make {
            $0.shard = UInt32(shard.index)
            $0.version = version.index
        }
    }

    init(_ wire: Emend__ShardWritten) throws(WireError) {
        self.init(shard: ShardIndex(Int(wire.shard)), version: try readVersion(wire.version))
    }
}
