import CWireMessages
import TrainingProtocol

extension Greeting {
    func wire(_ arena: Arena) -> Emend__Greeting {
        .make {
            $0.build = arena.text(build.identifier)
            $0.configuration_hash = arena.hash(configurationHash)
            $0.numerics_class = arena.text(numericsClass?.name ?? "")
            $0.advertised_endpoint = arena.text(advertisedEndpoint ?? "")
            $0.process_id = processID
            $0.host = arena.text(host)
            $0.thread_count = UInt32(threadCount)
            $0.server = arena.optional(server?.index)
            $0.member = arena.optional(member?.index)
            $0.n_leases = leases.count
            $0.leases = arena.records(leases) { $0.wire(arena) }
            $0.n_shards = shards.count
            $0.shards = arena.records(shards) { $0.wire() }
            $0.placement_revision = placementRevision
        }
    }

    init(_ wire: Emend__Greeting) throws(WireError) {
        self.init(
            build: Build(try readText(wire.build)),
            configurationHash: try readOptionalHash(wire.configuration_hash),
            numericsClass: try readOptionalText(wire.numerics_class).map { NumericsClass($0) },
            advertisedEndpoint: try readOptionalText(wire.advertised_endpoint),
            processID: wire.process_id, host: try readText(wire.host),
            threadCount: Int(wire.thread_count),
            server: try readOptional(wire.server, readIndex).map { ServerIndex($0) },
            member: try readOptional(wire.member, readIndex).map { MemberID(UInt32($0)) },
            leases: try readList(wire.n_leases, wire.leases, .slots, Lease.init),
            shards: try readList(wire.n_shards, wire.shards, .part, ShardStatus.init),
            placementRevision: try readNumber(wire.placement_revision))
    }
}

extension ShardStatus {
    func wire() -> Emend__Shard {
        .make {
            $0.shard = UInt32(shard.index)
            $0.part = UInt32(part.rawValue)
            $0.term = term.number
            $0.version = version.index
            $0.durable_through = durableThrough.index
            $0.state_hash = stateHash.value
        }
    }

    init(_ wire: Emend__Shard) throws(WireError) {
        self.init(
            shard: ShardIndex(Int(wire.shard)), part: try readCode(wire.part, .part),
            term: ShardTerm(try readNumber(wire.term)), version: try readVersion(wire.version),
            durableThrough: try readVersion(wire.durable_through),
            stateHash: Digest(wire.state_hash))
    }
}

extension Welcome {
    func wire(_ arena: Arena) -> Emend__Welcome {
        .make {
            $0.member = member.index
            $0.server = arena.optional(server?.index)
            $0.configuration_hash = arena.hash(configurationHash)
            $0.plan = arena.record(plan.wire(arena))
            $0.placement = arena.record(placement.wire(arena))
            switch source {
            case nil: $0.source = 0
            case .initialValues: $0.source = 1
            case .checkpoint(let checkpoint):
                $0.source = 2
                $0.checkpoint = arena.record(checkpoint.wire(arena))
            case .primary: $0.source = 3
            }
            $0.start_version = startVersion.index
            $0.numerics_class = arena.text(numericsClass?.name ?? "")
            $0.numerics_policy = UInt32(numericsPolicy.rawValue)
        }
    }

    init(_ wire: Emend__Welcome, configuration: Frame) throws(WireError) {
        let plan = try RunPlan(read(wire.plan, .plan))
        let placement = try Placement(read(wire.placement, .placement))
        guard placement.shardOfChunk.count == plan.chunkPlan.chunks.count else {
            throw .invalid(.placement)
        }
        self.init(
            member: MemberID(wire.member),
            server: try readOptional(wire.server, readIndex).map { ServerIndex($0) },
            configuration: configuration,
            configurationHash: try readHash(wire.configuration_hash), plan: plan,
            placement: placement, source: try Welcome.source(wire),
            startVersion: try readVersion(wire.start_version),
            numericsClass: try readOptionalText(wire.numerics_class).map { NumericsClass($0) },
            numericsPolicy: try readCode(wire.numerics_policy, .policy))
    }

    private static func source(_ wire: Emend__Welcome) throws(WireError) -> LoadSource? {
        switch wire.source {
        case 0: return nil
        case 1: return .initialValues
        case 2: return .checkpoint(try CheckpointReference(read(wire.checkpoint, .checkpoint)))
        case 3: return .primary
        default: throw .invalid(.source)
        }
    }
}

/// Refusals, finishes and goodbyes: a code and its explanation.
func verdict(_ code: UInt8, _ explanation: String, _ arena: Arena) -> Emend__Verdict {
    .make {
        $0.code = UInt32(code)
        $0.explanation = arena.text(explanation)
    }
}

extension Refusal {
    init(_ wire: Emend__Verdict) throws(WireError) {
        self.init(code: try readCode(wire.code, .code), explanation: try readText(wire.explanation))
    }
}

extension Finish {
    init(_ wire: Emend__Verdict) throws(WireError) {
        self.init(
            outcome: try readCode(wire.code, .code), explanation: try readText(wire.explanation))
    }
}

extension Goodbye {
    init(_ wire: Emend__Verdict) throws(WireError) {
        self.init(
            reason: try readCode(wire.code, .code), explanation: try readText(wire.explanation))
    }
}

extension Heartbeat {
    func wire(_ arena: Arena) -> Emend__Heartbeat {
        .make {
            $0.activity = UInt32(activity.rawValue)
            $0.current = arena.optional(current?.number)
            $0.finished_slots = UInt32(finishedSlots)
            $0.n_leases = leases.count
            $0.leases = arena.numbers(leases.map(\.number))
            $0.durable_through = durableThrough.index
            $0.recorded_through = recordedThrough.index
            $0.placement_revision = placementRevision
            $0.input_wait_permille = inputWaitPermille
            $0.pull_wait_permille = pullWaitPermille
        }
    }

    init(_ wire: Emend__Heartbeat) throws(WireError) {
        var leases: [LeaseID] = []
        for number in readNumbers(wire.n_leases, wire.leases) {
            leases.append(LeaseID(try readNumber(number)))
        }
        self.init(
            activity: try readCode(wire.activity, .activity),
            current: try readOptional(wire.current) { number throws(WireError) in
                LeaseID(try readNumber(number.value))
            },
            finishedSlots: Int(wire.finished_slots), leases: leases,
            durableThrough: try readVersion(wire.durable_through),
            recordedThrough: try readVersion(wire.recorded_through),
            placementRevision: try readNumber(wire.placement_revision),
            inputWaitPermille: min(wire.input_wait_permille, 1000),
            pullWaitPermille: min(wire.pull_wait_permille, 1000))
    }
}
