import CWireMessages
import TrainingProtocol

extension ServerReady {
    func wire(_ arena: Arena) -> Emend__ServerReady {
        .make {
            $0.n_shards = shards.count
            $0.shards = arena.records(shards) { $0.wire() }
        }
    }

    init(_ wire: Emend__ServerReady) throws(WireError) {
        self.init(shards: try readList(wire.n_shards, wire.shards, .part, ShardStatus.init))
    }
}

extension ServerProgress {
    func wire(_ arena: Arena) -> Emend__ServerProgress {
        .make {
            $0.shard = UInt32(shard.index)
            $0.version = version.index
            $0.durable_through = durableThrough.index
            $0.n_open_steps = openSteps.count
            $0.open_steps = arena.records(openSteps) { $0.wire(arena) }
            $0.synchronous_backup = arena.optional(synchronousBackup?.index)
        }
    }

    init(_ wire: Emend__ServerProgress) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), version: try readVersion(wire.version),
            durableThrough: try readVersion(wire.durable_through),
            openSteps: try readList(wire.n_open_steps, wire.open_steps, .slots, OpenStep.init),
            synchronousBackup: try readOptional(wire.synchronous_backup, readIndex).map {
                ServerIndex($0)
            })
    }
}

extension ServerProgress.OpenStep {
    func wire(_ arena: Arena) -> Emend__OpenStep {
        .make {
            $0.step = step.index
            $0.n_missing = missing.count
            $0.missing = arena.records(missing) { range in
                .make {
                    $0.lower = UInt32(range.lower)
                    $0.upper = UInt32(range.upper)
                }
            }
            $0.n_claims = claims.count
            $0.claims = arena.records(claims) { $0.wire(arena) }
        }
    }

    init(_ wire: Emend__OpenStep) throws(WireError) {
        self.init(
            step: try readStep(wire.step),
            missing: try readList(wire.n_missing, wire.missing, .slots) {
                slots throws(WireError) in try readSlots(slots)
            },
            claims: try readList(
                wire.n_claims, wire.claims, .slots, ServerProgress.NonFiniteClaim.init))
    }
}

extension ServerProgress.NonFiniteClaim {
    func wire(_ arena: Arena) -> Emend__Claim {
        .make {
            $0.node = arena.slots(node)
            $0.n_attempts = attempts.count
            $0.attempts = arena.numbers(attempts.map(\.number))
        }
    }

    init(_ wire: Emend__Claim) throws(WireError) {
        var attempts: [Attempt] = []
        for number in readNumbers(wire.n_attempts, wire.attempts) {
            attempts.append(try readAttempt(number))
        }
        self.init(node: try readSlots(wire.node), attempts: attempts)
    }
}

extension StepCommitted {
    /// A NaN that no computation yields stands for "skipped".
    private static let noLearningRate = UInt64.max

    func wire(_ arena: Arena) -> Emend__StepCommitted {
        .make {
            $0.shard = UInt32(shard.index)
            $0.step = step.index
            $0.decision = UInt32(decision.rawValue)
            $0.trailer = arena.record(trailer.wire(arena))
            $0.n_chunks = chunks.count
            $0.chunks = arena.numbers(chunks.map { UInt32($0.chunk.index) })
            $0.n_chunk_hashes = chunks.count
            $0.chunk_hashes = arena.numbers(chunks.map(\.hash.value))
            $0.n_contribution_counts = chunks.count
            $0.contribution_counts = arena.numbers(chunks.map { UInt32($0.contributions.count) })
            $0.trailer_contributions = arena.record(columns(trailerContributions, arena))
            $0.chunk_contributions = arena.record(columns(chunks.flatMap(\.contributions), arena))
            $0.state_hash = stateHash.value
            $0.learning_rate_bits = learningRate?.bitPattern ?? StepCommitted.noLearningRate
            $0.durable_through = durableThrough.index
        }
    }

    init(_ wire: Emend__StepCommitted) throws(WireError) {
        let bits = wire.learning_rate_bits
        self.init(
            shard: ShardIndex(Int(wire.shard)), step: try readStep(wire.step),
            decision: try readCode(wire.decision, .decision),
            trailer: try Trailer(read(wire.trailer, .trailer)),
            trailerContributions: try readColumns(
                read(wire.trailer_contributions, .contributions)),
            chunks: try StepCommitted.chunks(wire), stateHash: Digest(wire.state_hash),
            learningRate: bits == StepCommitted.noLearningRate ? nil : Double(bitPattern: bits),
            durableThrough: try readVersion(wire.durable_through))
    }

    private static func chunks(_ wire: Emend__StepCommitted) throws(WireError) -> [ChunkEntry] {
        let count = wire.n_chunks
        guard wire.n_chunk_hashes == count, wire.n_contribution_counts == count else {
            throw .invalid(.contributions)
        }
        var rest = try readColumns(read(wire.chunk_contributions, .contributions))[...]
        var entries: [ChunkEntry] = []
        for index in 0..<count {
            let contributionCount = Int(wire.contribution_counts[index])
            guard contributionCount <= rest.count else { throw .invalid(.contributions) }
            entries.append(
                ChunkEntry(
                    chunk: ChunkID(Int(wire.chunks[index])),
                    hash: Digest(wire.chunk_hashes[index]),
                    contributions: Array(rest.prefix(contributionCount))))
            rest = rest.dropFirst(contributionCount)
        }
        guard rest.isEmpty else { throw .invalid(.contributions) }
        return entries
    }
}

private func columns(_ contributions: [Contribution], _ arena: Arena) -> Emend__Contributions {
    let count = contributions.count
    return .make {
        $0.n_lower = count
        $0.lower = arena.numbers(contributions.map { UInt32($0.node.lower) })
        $0.n_upper = count
        $0.upper = arena.numbers(contributions.map { UInt32($0.node.upper) })
        $0.n_incarnation_high = count
        $0.incarnation_high = arena.numbers(contributions.map(\.incarnation.high))
        $0.n_incarnation_low = count
        $0.incarnation_low = arena.numbers(contributions.map(\.incarnation.low))
        $0.n_attempts = count
        $0.attempts = arena.numbers(contributions.map(\.attempt.number))
        $0.n_digests = count
        $0.digests = arena.numbers(contributions.map(\.digest.value))
    }
}

private func readColumns(_ wire: Emend__Contributions) throws(WireError) -> [Contribution] {
    let count = wire.n_lower
    let counts = [
        wire.n_upper, wire.n_incarnation_high, wire.n_incarnation_low, wire.n_attempts,
        wire.n_digests,
    ]
    guard counts.allSatisfy({ $0 == count }) else { throw .invalid(.contributions) }
    var contributions: [Contribution] = []
    contributions.reserveCapacity(count)
    for index in 0..<count {
        contributions.append(
            Contribution(
                node: try readSlots(lower: wire.lower[index], upper: wire.upper[index]),
                incarnation: Incarnation(
                    high: wire.incarnation_high[index], low: wire.incarnation_low[index]),
                attempt: try readAttempt(wire.attempts[index]),
                digest: Digest(wire.digests[index])))
    }
    return contributions
}
