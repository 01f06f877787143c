import CWireMessages
import TrainingProtocol

extension RunPlan {
    func wire(_ arena: Arena) -> Emend__Plan {
        .make {
            $0.slot_count = UInt32(slotCount)
            $0.samples_per_slot = UInt32(samplesPerSlot)
            $0.n_phases = phases.count
            $0.phases = arena.records(phases) { $0.wire(arena) }
            $0.n_tensors = tensors.count
            $0.tensors = arena.records(tensors) { $0.wire(arena) }
            $0.n_chunks = chunkPlan.chunks.count
            $0.chunks = arena.records(chunkPlan.chunks) { $0.wire() }
            $0.checkpoint_interval = checkpointInterval
            $0.gradient_cap = gradientCap
            $0.non_finite_policy = UInt32(nonFinitePolicy.rawValue)
            $0.lag = lag
            $0.gradient_format = UInt32(gradientFormat.rawValue)
            $0.n_loss_names = lossNames.count
            $0.loss_names = arena.texts(lossNames)
            $0.n_metric_names = metricNames.count
            $0.metric_names = arena.texts(metricNames)
        }
    }

    init(_ wire: Emend__Plan) throws(WireError) {
        guard wire.slot_count > 0, wire.samples_per_slot > 0, wire.lag <= WireLimits.lag else {
            throw .invalid(.plan)
        }
        self.init(
            slotCount: Int(wire.slot_count), samplesPerSlot: Int(wire.samples_per_slot),
            phases: try RunPlan.phases(wire),
            tensors: try readList(wire.n_tensors, wire.tensors, .tensor, TensorDescription.init),
            chunkPlan: ChunkPlan(chunks: try RunPlan.chunks(wire)),
            checkpointInterval: try readNumber(wire.checkpoint_interval),
            gradientCap: wire.gradient_cap,
            nonFinitePolicy: try readCode(wire.non_finite_policy, .plan), lag: wire.lag,
            gradientFormat: try readCode(wire.gradient_format, .plan),
            lossNames: try readTexts(wire.n_loss_names, wire.loss_names),
            metricNames: try readTexts(wire.n_metric_names, wire.metric_names))
    }

    /// The phases follow each other without a gap.
    private static func phases(_ wire: Emend__Plan) throws(WireError) -> [Phase] {
        let phases = try readList(wire.n_phases, wire.phases, .phase, Phase.init)
        var firstStep = Step(0)
        for phase in phases {
            guard phase.firstStep == firstStep else { throw .invalid(.phase) }
            firstStep = phase.endStep
            guard firstStep.index < WireLimits.number else { throw .invalid(.phase) }
        }
        return phases
    }

    /// The chunks of a group follow each other without a gap.
    private static func chunks(_ wire: Emend__Plan) throws(WireError) -> [Chunk] {
        var chunks: [Chunk] = []
        var ends = Array(repeating: 0, count: Int(UInt8.max) + 1)
        for index in 0..<wire.n_chunks {
            let record = try read(wire.chunks?[index], .chunk)
            let group: Group = try readCode(record.group, .group)
            let firstElement = try readQuantity(record.first_element)
            let elementCount = try readQuantity(record.element_count)
            guard elementCount > 0, firstElement == ends[Int(group.rawValue)] else {
                throw .invalid(.chunk)
            }
            ends[Int(group.rawValue)] = try readQuantity(UInt64(firstElement + elementCount))
            chunks.append(
                Chunk(
                    id: ChunkID(index), group: group, firstElement: firstElement,
                    elementCount: elementCount))
        }
        return chunks
    }
}

extension Phase {
    func wire(_ arena: Arena) -> Emend__Phase {
        .make {
            $0.name = arena.text(name)
            $0.first_step = firstStep.index
            $0.step_count = stepCount
            $0.n_trained_groups = trainedGroups.count
            $0.trained_groups = arena.numbers(trainedGroups.map { UInt32($0.rawValue) })
            $0.n_read_groups = readGroups.count
            $0.read_groups = arena.numbers(readGroups.map { UInt32($0.rawValue) })
        }
    }

    init(_ wire: Emend__Phase) throws(WireError) {
        self.init(
            name: try readText(wire.name), firstStep: try readStep(wire.first_step),
            stepCount: try readNumber(wire.step_count),
            trainedGroups: try Phase.groups(wire.n_trained_groups, wire.trained_groups),
            readGroups: try Phase.groups(wire.n_read_groups, wire.read_groups))
    }

    private static func groups(
        _ count: Int, _ codes: UnsafeMutablePointer<UInt32>?
    ) throws(WireError) -> [Group] {
        var groups: [Group] = []
        for code in readNumbers(count, codes) {
            let group: Group = try readCode(code, .group)
            if let last = groups.last, last >= group { throw .invalid(.group) }
            groups.append(group)
        }
        return groups
    }
}

extension TensorDescription {
    func wire(_ arena: Arena) -> Emend__Tensor {
        .make {
            $0.name = arena.text(name)
            $0.group = UInt32(group.rawValue)
            $0.n_shape = shape.count
            $0.shape = arena.numbers(shape.map { UInt64($0) })
            $0.weight_decay = UInt32(attributes.weightDecay.rawValue)
            $0.learning_rate_multiplier = attributes.learningRateMultiplier
            $0.moving_average_decay = attributes.movingAverageDecay
        }
    }

    init(_ wire: Emend__Tensor) throws(WireError) {
        var shape: [Int] = []
        var elementCount: UInt64 = 1
        for count in readNumbers(wire.n_shape, wire.shape) {
            shape.append(try readQuantity(count))
            let (product, overflows) = elementCount.multipliedReportingOverflow(by: count)
            guard !overflows, product < WireLimits.quantity else { throw .invalid(.tensor) }
            elementCount = product
        }
        guard elementCount > 0 else { throw .invalid(.tensor) }
        self.init(
            name: try readText(wire.name), group: try readCode(wire.group, .group), shape: shape,
            attributes: Attributes(
                weightDecay: try readCode(wire.weight_decay, .tensor),
                learningRateMultiplier: wire.learning_rate_multiplier,
                movingAverageDecay: wire.moving_average_decay))
    }
}

extension Chunk {
    func wire() -> Emend__Chunk {
        .make {
            $0.group = UInt32(group.rawValue)
            $0.first_element = UInt64(firstElement)
            $0.element_count = UInt64(elementCount)
        }
    }
}

extension Placement {
    func wire(_ arena: Arena) -> Emend__Placement {
        .make {
            $0.n_servers = servers.count
            $0.servers = arena.records(servers) { $0.wire(arena) }
            $0.n_shards = shards.count
            $0.shards = arena.records(shards) { $0.wire(arena) }
            $0.n_shard_of_chunk = shardOfChunk.count
            $0.shard_of_chunk = arena.numbers(shardOfChunk.map { UInt32($0.index) })
            $0.revision = revision
            $0.origin = origin
        }
    }

    init(_ wire: Emend__Placement) throws(WireError) {
        let servers = try readList(wire.n_servers, wire.servers, .placement, Server.init)
        let shards = try readList(wire.n_shards, wire.shards, .placement, Shard.init)
        for (server, next) in zip(servers, servers.dropFirst()) where server.index >= next.index {
            throw .invalid(.placement)
        }
        for (index, shard) in shards.enumerated() where shard.index.index != index {
            throw .invalid(.placement)
        }
        let shardOfChunk = readNumbers(wire.n_shard_of_chunk, wire.shard_of_chunk)
        for shard in shardOfChunk where shard >= shards.count { throw .invalid(.placement) }
        self.init(
            servers: servers, shards: shards,
            shardOfChunk: shardOfChunk.map { ShardIndex(Int($0)) },
            revision: try readNumber(wire.revision), origin: try readNumber(wire.origin))
    }
}

extension Placement.Server {
    func wire(_ arena: Arena) -> Emend__PlacedServer {
        .make {
            $0.server = UInt32(index.index)
            $0.incarnation_high = incarnation.high
            $0.incarnation_low = incarnation.low
            $0.endpoint = arena.text(endpoint)
        }
    }

    init(_ wire: Emend__PlacedServer) throws(WireError) {
        self.init(
            index: ServerIndex(Int(wire.server)),
            incarnation: Incarnation(high: wire.incarnation_high, low: wire.incarnation_low),
            endpoint: try readText(wire.endpoint))
    }
}

extension Placement.Shard {
    func wire(_ arena: Arena) -> Emend__PlacedShard {
        .make {
            $0.shard = UInt32(index.index)
            $0.term = term.number
            $0.primary = UInt32(primary.index)
            $0.backup = arena.optional(backup?.index)
        }
    }

    init(_ wire: Emend__PlacedShard) throws(WireError) {
        self.init(
            index: ShardIndex(Int(wire.shard)), term: ShardTerm(try readNumber(wire.term)),
            primary: ServerIndex(Int(wire.primary)),
            backup: try readOptional(wire.backup, readIndex).map { ServerIndex($0) })
    }
}
