import CWireMessages
import TrainingProtocol

private func readChunk(_ wire: UnsafeMutablePointer<Emend__Number>?) throws(WireError) -> ChunkID? {
    try readOptional(wire, readIndex).map { ChunkID($0) }
}

extension Pull {
    func wire(_ arena: Arena) -> Emend__Pull {
        .make {
            $0.shard = UInt32(shard.index)
            $0.chunk = arena.optional(chunk?.index)
            $0.version = version.index
        }
    }

    init(_ wire: Emend__Pull) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), chunk: try readChunk(wire.chunk),
            version: try readVersion(wire.version))
    }
}

extension Parameters {
    func wire(_ arena: Arena) -> Emend__Pull {
        .make {
            $0.shard = UInt32(shard.index)
            $0.chunk = arena.optional(chunk?.index)
            $0.version = version.index
            $0.durable_through = durableThrough.index
        }
    }

    init(_ wire: Emend__Pull, payload: Frame?) throws(WireError) {
        let chunk = try readChunk(wire.chunk)
        guard (chunk == nil) == (payload == nil) else { throw .invalid(.chunk) }
        self.init(
            shard: ShardIndex(Int(wire.shard)), chunk: chunk,
            version: try readVersion(wire.version),
            durableThrough: try readVersion(wire.durable_through), payload: payload)
    }
}

extension PullRefused {
    func wire(_ arena: Arena) -> Emend__Pull {
        .make {
            $0.shard = UInt32(shard.index)
            $0.chunk = arena.optional(chunk?.index)
            $0.version = version.index
            $0.reason = UInt32(reason.rawValue)
            $0.shard_version = shardVersion.index
        }
    }

    init(_ wire: Emend__Pull) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), chunk: try readChunk(wire.chunk),
            version: try readVersion(wire.version), reason: try readCode(wire.reason, .reason),
            shardVersion: try readVersion(wire.shard_version))
    }
}

extension Push {
    func wire(_ arena: Arena) -> Emend__Push {
        .make {
            $0.shard = UInt32(shard.index)
            $0.step = step.index
            $0.read_version = readVersion.index
            $0.node = arena.slots(node)
            $0.chunk = UInt32(chunk.index)
            $0.attempt = attempt.number
            $0.digest = digest.value
        }
    }

    init(_ wire: Emend__Push, payload: Frame) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), step: try readStep(wire.step),
            readVersion: try WireFormat.readVersion(wire.read_version),
            node: try readSlots(wire.node), chunk: ChunkID(Int(wire.chunk)),
            attempt: try readAttempt(wire.attempt), digest: Digest(wire.digest), payload: payload)
    }
}

extension PushAcknowledged {
    func wire(_ arena: Arena) -> Emend__Push {
        .make {
            $0.shard = UInt32(shard.index)
            $0.step = step.index
            $0.node = arena.slots(node)
            $0.chunk = UInt32(chunk.index)
            $0.attempt = attempt.number
            $0.outcome = UInt32(outcome.rawValue)
            $0.durable_through = durableThrough.index
        }
    }

    init(_ wire: Emend__Push) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), step: try readStep(wire.step),
            node: try readSlots(wire.node), chunk: ChunkID(Int(wire.chunk)),
            attempt: try readAttempt(wire.attempt), outcome: try readCode(wire.outcome, .outcome),
            durableThrough: try readVersion(wire.durable_through))
    }
}

extension Trailer {
    func wire(_ arena: Arena) -> Emend__Trailer {
        .make {
            $0.samples = samples
            $0.valid_pixels = validPixels
            $0.n_losses = losses.count
            $0.losses = arena.numbers(losses)
            $0.n_metrics = metrics.count
            $0.metrics = arena.numbers(metrics)
            $0.finiteness = UInt32(finiteness.rawValue)
            $0.maximum_absolute_gradient = maximumAbsoluteGradient
            $0.non_finite_slot = arena.optional(nonFiniteSlot)
        }
    }

    init(_ wire: Emend__Trailer) throws(WireError) {
        self.init(
            samples: UInt64(try readQuantity(wire.samples)),
            validPixels: UInt64(try readQuantity(wire.valid_pixels)),
            losses: readNumbers(wire.n_losses, wire.losses),
            metrics: readNumbers(wire.n_metrics, wire.metrics),
            finiteness: try readCode(wire.finiteness, .finiteness),
            maximumAbsoluteGradient: wire.maximum_absolute_gradient,
            nonFiniteSlot: try readOptional(wire.non_finite_slot, readIndex))
    }
}

extension TrailerReport {
    func wire(_ arena: Arena) -> Emend__TrailerReport {
        .make {
            $0.shard = UInt32(shard.index)
            $0.step = step.index
            $0.read_version = readVersion.index
            $0.node = arena.slots(node)
            $0.attempt = attempt.number
            $0.trailer = arena.record(trailer.wire(arena))
        }
    }

    init(_ wire: Emend__TrailerReport) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), step: try readStep(wire.step),
            readVersion: try WireFormat.readVersion(wire.read_version),
            node: try readSlots(wire.node), attempt: try readAttempt(wire.attempt),
            trailer: try Trailer(read(wire.trailer, .trailer)))
    }
}

extension TrailerAcknowledged {
    func wire(_ arena: Arena) -> Emend__TrailerReport {
        .make {
            $0.shard = UInt32(shard.index)
            $0.step = step.index
            $0.node = arena.slots(node)
            $0.attempt = attempt.number
            $0.outcome = UInt32(outcome.rawValue)
            $0.durable_through = durableThrough.index
        }
    }

    init(_ wire: Emend__TrailerReport) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), step: try readStep(wire.step),
            node: try readSlots(wire.node), attempt: try readAttempt(wire.attempt),
            outcome: try readCode(wire.outcome, .outcome),
            durableThrough: try readVersion(wire.durable_through))
    }
}
