import TrainingProtocol
import WireFormat

/// One message or more of every kind, with every optional field present and absent.
enum SampleMessages {
    static let header = Header(
        protocolVersion: Header.currentProtocolVersion,
        run: RunID(high: 0x1122_3344_5566_7788, low: 0x99aa_bbcc_ddee_ff00), role: .server,
        incarnation: Incarnation(high: 0x0102_0304_0506_0708, low: UInt64.max),
        coordinatorTerm: CoordinatorTerm(3), shardTerm: ShardTerm(7))

    static let all: [Message] = bodies.map { Message(header: header, body: $0) }

    static let bodies: [MessageBody] =
        membership + leases + data + progress + checkpoints
        + replication + operators

    static let tensor = Frame(floats: [1, -2.5, .infinity, 0x1p-149])
    static let hash = ContentHash((0..<32).map { UInt8($0 * 7) })
    static let node = SlotRange(2, 4)
    static let lease = Lease(
        id: LeaseID(1 << 40), step: Step(12), node: node, attempt: Attempt(5))
    static let status = ShardStatus(
        shard: ShardIndex(1), part: .backup, term: ShardTerm(2), version: Version(9),
        durableThrough: Version(8), stateHash: Digest(0xfeed_face_cafe_beef))
    static let checkpoint = CheckpointReference(
        version: Version(100), manifest: "checkpoint-100.json", hash: hash)
    static let trailer = Trailer(
        samples: 8, validPixels: 123_456, losses: [1.5, 0.25], metrics: [-0.0],
        finiteness: .finite, maximumAbsoluteGradient: 3.5)

    static let plan = RunPlan(
        slotCount: 4, samplesPerSlot: 4,
        phases: [
            Phase(
                name: "ancillary", firstStep: Step(0), stepCount: 10,
                trainedGroups: [.ancillary, .ancillaryStatistics],
                readGroups: [.ancillary, .ancillaryStatistics]),
            Phase(
                name: "main", firstStep: Step(10), stepCount: 20,
                trainedGroups: [.primary], readGroups: [.primary, .ancillary]),
        ],
        tensors: [
            TensorDescription(
                name: "features.0.0.weight", group: .primary, shape: [32, 3, 3, 3],
                attributes: .init(weightDecay: .applied, learningRateMultiplier: 1)),
            TensorDescription(
                name: "größe", group: .ancillaryStatistics, shape: [7],
                attributes: .init(
                    weightDecay: .exempt, learningRateMultiplier: 2, movingAverageDecay: 0.9997)),
        ],
        chunkPlan: ChunkPlan(chunks: [
            Chunk(id: ChunkID(0), group: .primary, firstElement: 0, elementCount: 800),
            Chunk(id: ChunkID(1), group: .primary, firstElement: 800, elementCount: 64),
            Chunk(id: ChunkID(2), group: .ancillaryStatistics, firstElement: 0, elementCount: 7),
        ]),
        checkpointInterval: 5, gradientCap: 1e10, nonFinitePolicy: .stop, lag: 2,
        gradientFormat: .bfloat16, lossNames: ["labelled", "weak"], metricNames: ["dead"])

    static let placement = Placement(
        servers: [
            .init(
                index: ServerIndex(0), incarnation: Incarnation(high: 1, low: 2),
                endpoint: "tcp://127.0.0.1:4000"),
            .init(
                index: ServerIndex(2), incarnation: Incarnation(high: 3, low: 4),
                endpoint: "tcp://[::1]:4001"),
        ],
        shards: [
            .init(
                index: ShardIndex(0), term: ShardTerm(1), primary: ServerIndex(0),
                backup: ServerIndex(2)),
            .init(index: ShardIndex(1), term: ShardTerm(4), primary: ServerIndex(2)),
        ],
        shardOfChunk: [ShardIndex(0), ShardIndex(1), ShardIndex(0)], revision: 12, origin: 7)

    static let membership: [MessageBody] = [
        .greeting(
            Greeting(
                build: Build("1.0"), processID: 1, host: "", threadCount: 1, leases: [],
                shards: [])),
        .greeting(
            Greeting(
                build: Build("1.0+abc"), configurationHash: hash,
                numericsClass: NumericsClass("portable-1"),
                advertisedEndpoint: "tcp://10.0.0.1:7000", processID: 4242, host: "node-7",
                threadCount: 96, server: ServerIndex(0), member: MemberID(17), leases: [lease],
                shards: [status], placementRevision: 12)),
        .welcome(
            Welcome(
                member: MemberID(0), configuration: Frame(copying: Array("{}".utf8)),
                configurationHash: hash, plan: plan, placement: placement,
                startVersion: .initial, numericsPolicy: .strict)),
        .welcome(
            Welcome(
                member: MemberID(9), server: ServerIndex(2),
                configuration: Frame(copying: []), configurationHash: hash, plan: plan,
                placement: placement, source: .checkpoint(checkpoint), startVersion: Version(100),
                numericsClass: NumericsClass("openblas"), numericsPolicy: .loose)),
        .welcome(
            Welcome(
                member: MemberID(1), server: ServerIndex(0), configuration: tensor,
                configurationHash: hash, plan: plan, placement: placement, source: .initialValues,
                startVersion: .initial, numericsPolicy: .strict)),
        .welcome(
            Welcome(
                member: MemberID(1), server: ServerIndex(0), configuration: tensor,
                configurationHash: hash, plan: plan, placement: placement, source: .primary,
                startVersion: .initial, numericsPolicy: .strict)),
        .refusal(Refusal(code: .build, explanation: "coordinator 1.0, worker 1.1")),
        .heartbeat(.plain(.idle)),
        .heartbeat(
            Heartbeat(
                activity: .computing, current: LeaseID(0), finishedSlots: 3,
                leases: [LeaseID(0), LeaseID(7)], durableThrough: Version(6),
                recordedThrough: Version(5), placementRevision: 3, inputWaitPermille: 17,
                pullWaitPermille: 4)),
        .drain,
        .finish(Finish(outcome: .completed, explanation: "")),
        .goodbye(Goodbye(reason: .failed, explanation: "disk full")),
        .placementChanged(placement),
    ]

    static let leases: [MessageBody] = [
        .lease(lease), .leaseRevoked(LeaseID(3)),
        .leaseReturned(
            LeaseReturned(lease: LeaseID(3), reason: .data, explanation: "2007_000032.jpg")),
    ]

    static let data: [MessageBody] = [
        .pull(Pull(shard: ShardIndex(0), version: Version(3))),
        .pull(Pull(shard: ShardIndex(1), chunk: ChunkID(0), version: Version(3))),
        .parameters(
            Parameters(shard: ShardIndex(1), version: Version(3), durableThrough: Version(2))),
        .parameters(
            Parameters(
                shard: ShardIndex(1), chunk: ChunkID(4), version: Version(3),
                durableThrough: Version(2), payload: tensor)),
        .pullRefused(
            PullRefused(
                shard: ShardIndex(1), chunk: ChunkID(4), version: Version(3), reason: .dropped,
                shardVersion: Version(8))),
        push,
        .pushAcknowledged(
            PushAcknowledged(
                shard: ShardIndex(0), step: Step(4), node: node, chunk: ChunkID(2),
                attempt: Attempt(1), outcome: .covered, durableThrough: Version(4))),
        .trailer(
            TrailerReport(
                shard: ShardIndex(0), step: Step(4), readVersion: Version(4), node: node,
                attempt: Attempt(1), trailer: trailer)),
        .trailer(
            TrailerReport(
                shard: ShardIndex(0), step: Step(4), readVersion: Version(4), node: node,
                attempt: Attempt(1),
                trailer: .nonFinite(
                    slot: 3, samples: 4, validPixels: 0, lossCount: 2, metricCount: 1))),
        .trailerAcknowledged(
            TrailerAcknowledged(
                shard: ShardIndex(0), step: Step(4), node: node, attempt: Attempt(1),
                outcome: .awaitingConfirmation, durableThrough: Version(4))),
    ]

    static let push: MessageBody = .push(
        Push(
            shard: ShardIndex(0), step: Step(4), readVersion: Version(4), node: node,
            chunk: ChunkID(2), attempt: Attempt(1), digest: Digest(99), payload: tensor))

    static let contribution = Contribution(
        node: node, incarnation: Incarnation(high: 5, low: 6), attempt: Attempt(1),
        digest: Digest(77))

    static let commit = StepCommitted(
        shard: ShardIndex(0), step: Step(4), decision: .apply, trailer: trailer,
        trailerContributions: [contribution],
        chunks: [
            .init(chunk: ChunkID(0), hash: Digest(1), contributions: [contribution, contribution]),
            .init(chunk: ChunkID(2), hash: Digest(2), contributions: []),
        ],
        stateHash: Digest(3), learningRate: 0.007, durableThrough: Version(4))

    static let skip = StepCommitted(
        shard: ShardIndex(0), step: Step(4), decision: .skip,
        trailer: .nonFinite(
            slot: 0, samples: 4, validPixels: 0, lossCount: 1, metricCount: 0),
        trailerContributions: [], chunks: [], stateHash: Digest(3), durableThrough: Version(4))

    static let progress: [MessageBody] = [
        .serverReady(ServerReady(shards: [status])),
        .serverProgress(
            ServerProgress(
                shard: ShardIndex(1), version: Version(4), durableThrough: Version(3),
                openSteps: [
                    .init(
                        step: Step(4), missing: [SlotRange(0, 1), SlotRange(3, 4)],
                        claims: [.init(node: node, attempts: [Attempt(1), Attempt(2)])]),
                    .init(step: Step(5), missing: [], claims: []),
                ])),
        .serverProgress(
            ServerProgress(
                shard: ShardIndex(0), version: Version(4), durableThrough: Version(4),
                openSteps: [], synchronousBackup: ServerIndex(0))),
        .stepCommitted(commit), .stepCommitted(skip),
    ]

    static let checkpoints: [MessageBody] = [
        .checkpointRequested(Version(30)),
        .shardWritten(
            ShardWritten(
                shard: ShardIndex(1), version: Version(30),
                files: [WrittenFile(name: "shard-1.safetensors", byteCount: 1 << 33, hash: hash)],
                description: Frame(copying: Array("[]".utf8)))),
        .shardNotWritten(
            ShardNotWritten(
                shard: ShardIndex(1), version: Version(30), explanation: "No space left")),
        .shardWrittenAcknowledged(
            ShardWrittenAcknowledged(shard: ShardIndex(1), version: Version(30))),
        .checkpointCommitted(checkpoint),
    ]

    static let replication: [MessageBody] = [
        .rootReplicated(
            RootReplicated(
                shard: ShardIndex(1), step: Step(4), chunk: ChunkID(2), digest: Digest(4),
                payload: tensor)),
        .decisionReplicated(DecisionReplicated(commit: commit)),
        .replicaAcknowledged(
            ReplicaAcknowledged(
                shard: ShardIndex(1), version: Version(5), stateHash: Digest(6))),
        .backupLost(
            BackupLost(shard: ShardIndex(1), backup: ServerIndex(2), version: Version(5))),
        .fillRequested(FillRequested(shard: ShardIndex(1), nextPart: 3)),
        .fill(
            Fill(
                shard: ShardIndex(1), version: Version(5), part: 3, partCount: 4,
                chunk: ChunkID(2), section: "momentum", digest: Digest(6), payload: tensor)),
        .rollBack(RollBack(target: checkpoint, placement: placement)),
    ]

    static let operators: [MessageBody] = [
        .statusRequested,
        .status(
            ClusterStatus(
                version: Version(5), finalVersion: Version(30), durableThrough: Version(4),
                stepMilliseconds: 800,
                members: [
                    MemberStatus(
                        member: MemberID(3), role: .worker, host: "node-1", processID: 77,
                        activity: .pushing, silenceMilliseconds: 12, leases: [lease],
                        slotMilliseconds: 650, inputWaitPermille: 21, pullWaitPermille: 5)
                ],
                shards: [status], lastCheckpoint: checkpoint, alarms: ["server 1 is slow"])),
        .status(
            ClusterStatus(
                version: .initial, finalVersion: Version(30), durableThrough: .initial,
                stepMilliseconds: 0, members: [], shards: [], alarms: [])),
        .scaleRequested(ScaleRequest(workerCount: 3)),
    ]
}

extension WireCodec {
    func decode(_ encoded: EncodedMessage) throws(WireError) -> Message {
        try decode(header: encoded.header, payload: encoded.payload)
    }

    func decode(header: [UInt8], payload: [Frame]) throws(WireError) -> Message {
        // Exactly as long as the bytes, so that an address sanitizer sees a read beyond them.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: header.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: header)
        return try decode(header: UnsafeRawBufferPointer(copy), payload: payload)
    }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
