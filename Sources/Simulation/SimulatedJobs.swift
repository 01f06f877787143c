import TrainingProtocol

/// Runs the machines' jobs on the synthetic workload, and checks each commit against the reference.
struct SimulatedJobs: Sendable {
    struct Result: Sendable {
        var progress: [JobProgress] = []
        /// Nil where nobody waits for the end.
        let outcome: JobOutcome?
        /// How long it takes, in units of a slot or of a write.
        var cost = Cost.instant
    }

    enum Cost: Sendable, Equatable {
        case instant
        case slots(UInt64)
        case write
    }

    let workload: SyntheticWorkload
    let reference: ReferenceRun
    var disk = SimulatedDisk()
    /// Commits that primaries ran, each as often as it was run.
    private(set) var commitCount = 0

    init(workload: SyntheticWorkload) {
        self.workload = workload
        reference = ReferenceRun(workload)
    }

    /// Puts a checkpoint of one server on the disk, as the fault-free run would have written it.
    mutating func storeCheckpoint(_ version: Version) -> CheckpointReference {
        let chunks = zip(plan.chunkPlan.chunks, reference.states[Int(version.index)]).map {
            (chunk: $0.id, state: $1)
        }
        disk.write(.init(shard: ShardIndex(0), shardCount: 1, version: version, chunks: chunks))
        let manifest = SimulatedJobs.reference(to: version)
        disk.write(manifest, shardCount: 1)
        return manifest
    }

    private static func reference(to version: Version) -> CheckpointReference {
        CheckpointReference(
            version: version, manifest: "checkpoint-\(version)",
            hash: contentHash(of: version.index))
    }

    var plan: RunPlan { workload.plan }

    mutating func run(
        _ job: Job, of process: inout SimulatedProcess
    ) throws(InvariantViolation) -> Result {
        switch job {
        case .prepare:
            process.loaded = Array(repeating: nil, count: plan.chunkPlan.chunks.count)
            return Result(outcome: .prepared, cost: .slots(1))
        case .compute(let job): return try compute(job, of: &process)
        case .load(let job): return try load(job, of: &process)
        case .inspect(let job): return Result(outcome: .inspected(inspect(job)))
        case .commit(let job): return try commit(job, of: &process)
        case .snapshot(let job): return snapshot(job, of: process)
        case .collect(let job): return collect(job, of: process)
        case .install(let job): return install(job, of: &process)
        case .drop(let shard):
            drop(shard, of: &process)
            return Result(outcome: nil)
        case .journal(let entry):
            disk.append(entry)
            return Result(outcome: .journaled, cost: .write)
        case .record(let records):
            try disk.append(records)
            return Result(outcome: .recorded, cost: .write)
        case .cutLedger(let version):
            disk.cutLedger(version)
            return Result(outcome: .ledgerCut, cost: .write)
        case .findCheckpoint:
            guard let newest = disk.manifests.last else {
                throw InvariantViolation("there is no checkpoint to go back to")
            }
            return Result(outcome: .checkpointFound(newest), cost: .write)
        case .writeManifest(let job): return try writeManifest(job)
        }
    }

    // MARK: Worker

    private func compute(
        _ job: ComputeJob, of process: inout SimulatedProcess
    ) throws(InvariantViolation) -> Result {
        for parameters in job.parameters {
            process.loaded[parameters.chunk.index] = parameters.payload.floats
        }
        let expected = reference.states[Int(job.step.index)]
        for chunk in plan.chunksRead(at: job.step) {
            guard process.loaded[chunk.index] == expected[chunk.index].parameters else {
                throw InvariantViolation(
                    "\(process.name) computes step \(job.step) from other parameters of chunk "
                        + "\(chunk) than version \(job.step)")
            }
        }
        let loaded = process.loaded
        let node = workload.node(job.node, of: job.step) { loaded[$0.index] ?? [] }
        let cost = Cost.slots(UInt64(job.node.count))
        guard node.trailer.finiteness == .finite else {
            let computation = Computation(trailer: node.trailer, gradients: [])
            return Result(outcome: .computed(computation), cost: cost)
        }
        // Backward order; every second chunk leaves before the end of the job.
        let all = zip(job.trainedChunks, node.gradients).map { chunk, values in
            let payload = Frame(floats: values)
            return ChunkGradient(chunk: chunk, digest: digest(of: payload), payload: payload)
        }.reversed()
        let early = all.filter { $0.chunk.index.isMultiple(of: 2) }
        let late = all.filter { !$0.chunk.index.isMultiple(of: 2) }
        return Result(
            progress: early.map { .gradient($0) },
            outcome: .computed(Computation(trailer: node.trailer, gradients: late)), cost: cost)
    }

    // MARK: Server

    private func load(
        _ job: LoadJob, of process: inout SimulatedProcess
    ) throws(InvariantViolation) -> Result {
        guard case .checkpoint(let reference) = job.source else {
            throw InvariantViolation("\(process.name) is to load from \(job.source)")
        }
        guard let stored = disk.load(reference.version, chunkCount: plan.chunkPlan.chunks.count)
        else {
            throw InvariantViolation("checkpoint \(reference.version) cannot be loaded")
        }
        hold(job.shard, job.chunks.map { ($0, stored[$0.index]) }, of: &process)
        return Result(outcome: .loaded(loaded(job.shard, of: process)), cost: .write)
    }

    private func hold(
        _ shard: ShardIndex, _ chunks: [(ChunkID, SyntheticWorkload.ChunkState)],
        of process: inout SimulatedProcess
    ) {
        if process.state.isEmpty {
            process.state = Array(repeating: nil, count: plan.chunkPlan.chunks.count)
        }
        process.held.removeAll { $0.shard == shard }
        process.held.append((shard, chunks.map(\.0)))
        for (chunk, state) in chunks { process.state[chunk.index] = state }
    }

    private func drop(_ shard: ShardIndex, of process: inout SimulatedProcess) {
        process.held.removeAll { $0.shard == shard }
    }

    private func chunks(of shard: ShardIndex, _ process: SimulatedProcess) -> [ChunkID] {
        process.held.first { $0.shard == shard }?.chunks ?? []
    }

    private func loaded(_ shard: ShardIndex, of process: SimulatedProcess) -> LoadedShard {
        let chunks = chunks(of: shard, process).map { committed($0, of: process) }
        return LoadedShard(chunks: chunks, stateHash: stateHash(shard, of: process))
    }

    private func committed(_ chunk: ChunkID, of process: SimulatedProcess) -> CommittedChunk {
        let payload = Frame(floats: process.state[chunk.index]?.parameters ?? [])
        return CommittedChunk(chunk: chunk, payload: payload, hash: digest(of: payload))
    }

    private func stateHash(_ shard: ShardIndex, of process: SimulatedProcess) -> Digest {
        var hash: UInt64 = 0
        for chunk in chunks(of: shard, process) {
            let state = process.state[chunk.index]
            for value in (state?.parameters ?? []) + (state?.momentum ?? []) {
                hash = SplitMix64.mix(hash ^ UInt64(value.bitPattern))
            }
        }
        return Digest(hash)
    }

    private func inspect(_ job: InspectJob) -> Inspection {
        guard digest(of: job.payload) == job.digest else { return .corrupt }
        return job.payload.floats.allSatisfy(\.isFinite) ? .sound : .nonFinite
    }

    private mutating func commit(
        _ job: CommitJob, of process: inout SimulatedProcess
    ) throws(InvariantViolation) -> Result {
        commitCount += 1
        try check(job)
        var roots: [ChunkRoot] = []
        for chunk in job.chunks {
            guard let state = process.state[chunk.chunk.index] else {
                throw InvariantViolation("\(process.name) holds no chunk \(chunk.chunk)")
            }
            let nodes = chunk.nodes.map { (node: $0.node, value: $0.payload.floats) }
            process.state[chunk.chunk.index] =
                job.decision == .apply
                ? workload.commit(state, nodes, at: job.step)
                : workload.begin(state, at: job.step)
            let expected = reference.states[Int(job.step.index) + 1][chunk.chunk.index]
            guard process.state[chunk.chunk.index] == expected else {
                throw InvariantViolation(
                    "version \(job.step.result) of chunk \(chunk.chunk) on \(process.name) differs "
                        + "from the fault-free run's")
            }
            if job.roots == .wanted, job.decision == .apply {
                let payload = Frame(floats: workload.root(of: nodes))
                roots.append(
                    ChunkRoot(chunk: chunk.chunk, digest: digest(of: payload), payload: payload))
            }
        }
        let chunks = job.chunks.map { committed($0.chunk, of: process) }
        let result = CommitResult(
            chunks: Array(chunks.dropFirst()), stateHash: stateHash(job.shard, of: process),
            learningRate: job.decision == .apply ? 0.25 : nil, roots: roots)
        return Result(
            progress: chunks.prefix(1).map { .chunk($0) }, outcome: .committed(result))
    }

    /// Each slot exactly once, V·b samples, and the fault-free run's decision.
    private func check(_ job: CommitJob) throws(InvariantViolation) {
        let due = UInt64(plan.slotCount * plan.samplesPerSlot)
        guard job.trailer.samples == due else {
            throw InvariantViolation("step \(job.step) used \(job.trailer.samples) samples")
        }
        guard job.decision == reference.decisions[Int(job.step.index)] else {
            throw InvariantViolation("step \(job.step) was decided \(job.decision)")
        }
        guard job.decision == .apply else { return }
        for chunk in job.chunks {
            var next = 0
            for node in chunk.nodes {
                guard node.node.lower == next, plan.tree.isNode(node.node) else {
                    throw InvariantViolation(
                        "step \(job.step), chunk \(chunk.chunk): \(node.node) follows slot "
                            + "\(next)")
                }
                next = node.node.upper
            }
            guard next == plan.slotCount else {
                throw InvariantViolation(
                    "step \(job.step), chunk \(chunk.chunk) ends at slot \(next)")
            }
        }
    }

    private mutating func snapshot(_ job: SnapshotJob, of process: SimulatedProcess) -> Result {
        let states = chunks(of: job.shard, process).compactMap { chunk in
            process.state[chunk.index].map { (chunk: chunk, state: $0) }
        }
        disk.write(
            .init(
                shard: job.shard, shardCount: job.shardCount, version: job.version,
                chunks: states))
        let file = WrittenFile(
            name: "shard-\(job.shard)", byteCount: UInt64(states.count),
            hash: contentHash(of: job.version.index))
        return Result(
            outcome: .written([file], description: Frame(copying: Array("{}".utf8))), cost: .write)
    }

    // MARK: Replication

    /// Two parts for each chunk.
    private func collect(_ job: CollectJob, of process: SimulatedProcess) -> Result {
        let parts = chunks(of: job.shard, process).flatMap { chunk -> [StatePart] in
            guard let state = process.state[chunk.index] else { return [] }
            return [("parameters", state.parameters), ("momentum", state.momentum)].map {
                let payload = Frame(floats: $1)
                return StatePart(
                    chunk: chunk, section: $0, digest: digest(of: payload), payload: payload)
            }
        }
        return Result(outcome: .collected(parts))
    }

    private func install(_ job: InstallJob, of process: inout SimulatedProcess) -> Result {
        var states: [(ChunkID, SyntheticWorkload.ChunkState)] = []
        for chunk in job.chunks {
            let parts = job.parts.filter { $0.chunk == chunk }
            let isSound = parts.allSatisfy { digest(of: $0.payload) == $0.digest }
            guard isSound, parts.map(\.section) == ["parameters", "momentum"] else {
                return Result(
                    outcome: .failed(
                        JobFailure(kind: .computation, explanation: "damaged parts")))
            }
            states.append(
                (
                    chunk,
                    .init(
                        parameters: parts[0].payload.floats, momentum: parts[1].payload.floats)
                ))
        }
        hold(job.shard, states, of: &process)
        return Result(outcome: .loaded(loaded(job.shard, of: process)), cost: .slots(1))
    }

    // MARK: Coordinator

    private mutating func writeManifest(
        _ job: ManifestJob
    ) throws(InvariantViolation) -> Result {
        guard
            let state = disk.load(
                job.version, shardCount: job.shards.count,
                chunkCount: plan.chunkPlan.chunks.count),
            state == reference.states[Int(job.version.index)]
        else {
            throw InvariantViolation(
                "checkpoint \(job.version) is not the fault-free run's state")
        }
        let manifest = SimulatedJobs.reference(to: job.version)
        disk.write(manifest, shardCount: job.shards.count)
        return Result(outcome: .manifestWritten(manifest), cost: .write)
    }
}
