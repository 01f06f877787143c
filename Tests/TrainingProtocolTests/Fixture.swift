import TrainingProtocol

/// A small run for stories about single machines.
enum Fixture {
    static let run = RunID(high: 1, low: 2)
    static let coordinator = Incarnation(high: 0, low: 1)

    /// Chunks 0, 1: primary; 2: ancillary; 3: primary statistics.
    ///
    /// Phase 0 has 2 steps, phase 1 has 3.
    static func plan(
        slotCount: Int, nonFinitePolicy: NonFinitePolicy = .skip, lag: UInt64 = 0,
        gradientFormat: GradientFormat = .float32
    ) -> RunPlan {
        let attributes = TensorDescription.Attributes(
            weightDecay: .applied, learningRateMultiplier: 1)
        let groups: [Group] = [.primary, .primary, .ancillary, .primaryStatistics]
        let tensors = groups.enumerated().map { index, group in
            TensorDescription(
                name: "t\(index)", group: group, shape: [2], attributes: attributes)
        }
        return RunPlan(
            slotCount: slotCount, samplesPerSlot: 4,
            phases: [
                Phase(
                    name: "ancillary", firstStep: Step(0), stepCount: 2,
                    trainedGroups: [.ancillary], readGroups: [.ancillary]),
                Phase(
                    name: "main", firstStep: Step(2), stepCount: 3,
                    trainedGroups: [.primary, .primaryStatistics],
                    readGroups: [.primary, .ancillary, .primaryStatistics]),
            ], tensors: tensors,
            chunkPlan: ChunkPlan(tensors: tensors, smallestByteCount: 4, largestByteCount: 8),
            checkpointInterval: 2, gradientCap: 100, nonFinitePolicy: nonFinitePolicy,
            lag: lag, gradientFormat: gradientFormat, lossNames: ["labelled"], metricNames: [])
    }

    static func identity(_ low: UInt64, build: String = "b1") -> ProcessIdentity {
        ProcessIdentity(
            incarnation: Incarnation(high: 0, low: low), build: Build(build), host: "h\(low)",
            processID: UInt32(low), threadCount: 1)
    }

    static func header(
        _ role: Role, _ low: UInt64, run: RunID = Fixture.run, shardTerm: UInt64 = 1,
        version: UInt32 = Header.currentProtocolVersion
    ) -> Header {
        Header(
            protocolVersion: version, run: run, role: role,
            incarnation: Incarnation(high: 0, low: low), coordinatorTerm: CoordinatorTerm(1),
            shardTerm: ShardTerm(shardTerm))
    }

    static let configuration = Frame(copying: Array("{}".utf8))
    static let configurationHash = ContentHash(Array(repeating: 7, count: 32))

    static func placement(serverCount: Int, plan: RunPlan) -> Placement {
        Placement(
            servers: (0..<serverCount).map {
                .init(
                    index: ServerIndex($0), incarnation: Incarnation(high: 0, low: 10 + UInt64($0)),
                    endpoint: "e\($0)")
            },
            shards: (0..<serverCount).map {
                .init(index: ShardIndex($0), term: ShardTerm(1), primary: ServerIndex($0))
            }, shardOfChunk: Placement.balanced(plan.chunkPlan, shardCount: serverCount))
    }

    static func welcome(
        plan: RunPlan, server: Int?, serverCount: Int = 1, source: LoadSource? = .initialValues
    ) -> Welcome {
        Welcome(
            member: MemberID(1), server: server.map { ServerIndex($0) },
            configuration: configuration, configurationHash: configurationHash, plan: plan,
            placement: placement(serverCount: serverCount, plan: plan),
            source: server == nil ? nil : source, startVersion: .initial,
            numericsClass: NumericsClass("n"), numericsPolicy: .strict)
    }

    static func trailer(slots: Int, samples: UInt64? = nil, loss: Float = 1) -> Trailer {
        Trailer(
            samples: samples ?? UInt64(4 * slots), validPixels: 10, losses: [loss], metrics: [],
            finiteness: .finite, maximumAbsoluteGradient: 1)
    }

    static func nonFinite(slots: Int) -> Trailer {
        .nonFinite(
            slot: 0, samples: UInt64(4 * slots), validPixels: 10, lossCount: 1, metricCount: 0)
    }
}

/// A machine under test, its clock, and what its last event made it do.
struct Stage<Machine: RoleMachine> {
    var machine: Machine
    var milliseconds: UInt64 = 0

    init(_ machine: Machine) { self.machine = machine }

    mutating func handle(_ event: Event) -> [Effect] {
        var effects: [Effect] = []
        let now = Instant(nanoseconds: 0).advanced(milliseconds: milliseconds)
        machine.handle(event, at: now, into: &effects)
        return effects
    }

    mutating func receive(_ body: MessageBody, _ header: Header, from peer: Peer) -> [Effect] {
        handle(.received(Message(header: header, body: body), from: peer))
    }
}

extension [Effect] {
    var bodies: [MessageBody] {
        compactMap { if case .send(let message, _) = $0 { message.body } else { nil } }
    }

    var kinds: [String] { bodies.map(\.kind) }

    var jobs: [(id: JobID, job: Job)] {
        compactMap { if case .start(let id, let job) = $0 { (id, job) } else { nil } }
    }

    var observations: [Observation] {
        compactMap { if case .report(let observation) = $0 { observation } else { nil } }
    }

    var termination: TerminationReason? {
        for case .terminate(let reason) in self { return reason }
        return nil
    }
}
