import TrainingProtocol

/// Runs the machines' jobs on the synthetic workload, and checks each commit against the reference.
struct SimulatedJobs: Sendable {
    struct Result: Sendable {
        var progress: [JobProgress] = []
        let outcome: JobOutcome
        /// How long it takes, in units of a slot.
        var cost: UInt64 = 0
    }

    let workload: SyntheticWorkload
    let reference: ReferenceRun
    var disk = SimulatedDisk()
    /// Every (shard, step) that was committed.
    private(set) var commits: [(shard: ShardIndex, step: Step)] = []

    init(workload: SyntheticWorkload) {
        self.workload = workload
        reference = ReferenceRun(workload)
    }

    /// Puts a checkpoint of one server on the disk, as the fault-free run would have written it.
    mutating func storeCheckpoint(_ version: Version) -> CheckpointReference {
        let chunks = zip(plan.chunkPlan.chunks, reference.states[Int(version.index)]).map {
            (chunk: $0.id, state: $1)
        }
        disk.write(.init(shard: ShardIndex(0), version: version, chunks: chunks))
        let manifest = CheckpointReference(
            version: version, manifest: "checkpoint-\(version)",
            hash: contentHash(of: version.index))
        disk.write(manifest)
        return manifest
    }

    var plan: RunPlan { workload.plan }

    mutating func run(
        _ job: Job, of process: inout SimulatedProcess
    ) throws(InvariantViolation) -> Result {
        switch job {
        case .prepare:
            process.loaded = Array(repeating: nil, count: plan.chunkPlan.chunks.count)
            return Result(outcome: .prepared, cost: 1)
        case .compute(let job): return try compute(job, of: &process)
        case .load(let job): return try load(job, of: &process)
        case .inspect(let job): return Result(outcome: .inspected(inspect(job)))
        case .commit(let job): return try commit(job, of: &process)
        case .snapshot(let job): return snapshot(job, of: process)
        case .journal(let entry):
            disk.append(entry)
            return Result(outcome: .journaled)
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
        let cost = UInt64(job.node.count)
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
        if process.state.isEmpty {
            process.state = Array(repeating: nil, count: plan.chunkPlan.chunks.count)
        }
        var stored: [SyntheticWorkload.ChunkState]?
        if case .checkpoint(let reference) = job.source {
            stored = disk.load(reference.version, chunkCount: plan.chunkPlan.chunks.count)
            guard stored != nil else {
                throw InvariantViolation("checkpoint \(reference.version) cannot be loaded")
            }
        }
        for chunk in job.chunks {
            process.state[chunk.index] =
                stored.map { $0[chunk.index] } ?? workload.initialState(of: chunk)
        }
        let chunks = job.chunks.map { committed($0, of: process) }
        return Result(outcome: .loaded(LoadedShard(chunks: chunks, stateHash: Digest(0))), cost: 1)
    }

    private func committed(_ chunk: ChunkID, of process: SimulatedProcess) -> CommittedChunk {
        let payload = Frame(floats: process.state[chunk.index]?.parameters ?? [])
        return CommittedChunk(chunk: chunk, payload: payload, hash: digest(of: payload))
    }

    private func inspect(_ job: InspectJob) -> Inspection {
        guard digest(of: job.payload) == job.digest else { return .corrupt }
        return job.payload.floats.allSatisfy(\.isFinite) ? .sound : .nonFinite
    }

    private mutating func commit(
        _ job: CommitJob, of process: inout SimulatedProcess
    ) throws(InvariantViolation) -> Result {
        guard !commits.contains(where: { $0.shard == job.shard && $0.step == job.step }) else {
            throw InvariantViolation("shard \(job.shard) commits step \(job.step) twice")
        }
        commits.append((job.shard, job.step))
        try check(job)
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
                    "version \(job.step.result) of chunk \(chunk.chunk) differs from the "
                        + "fault-free run's")
            }
        }
        let chunks = job.chunks.map { committed($0.chunk, of: process) }
        let result = CommitResult(
            chunks: Array(chunks.dropFirst()), stateHash: Digest(job.step.index),
            learningRate: job.decision == .apply ? 0.25 : nil)
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

    private mutating func snapshot(
        _ job: SnapshotJob, of process: SimulatedProcess
    ) -> Result {
        guard let chunks = process.server?.chunks(of: job.shard) else {
            return Result(outcome: .failed(.init(kind: .storage, explanation: "no shard")))
        }
        let states = chunks.compactMap { chunk in
            process.state[chunk.index].map { (chunk: chunk, state: $0) }
        }
        disk.write(.init(shard: job.shard, version: job.version, chunks: states))
        let file = WrittenFile(
            name: "shard-\(job.shard)", byteCount: UInt64(states.count),
            hash: contentHash(of: job.version.index))
        return Result(
            outcome: .written([file], description: Frame(copying: Array("{}".utf8))), cost: 1)
    }

    // MARK: Coordinator

    private mutating func writeManifest(
        _ job: ManifestJob
    ) throws(InvariantViolation) -> Result {
        guard
            let state = disk.load(job.version, chunkCount: plan.chunkPlan.chunks.count),
            state == reference.states[Int(job.version.index)]
        else {
            throw InvariantViolation(
                "checkpoint \(job.version) is not the fault-free run's state")
        }
        let manifest = CheckpointReference(
            version: job.version, manifest: "checkpoint-\(job.version)",
            hash: contentHash(of: job.version.index))
        disk.write(manifest)
        return Result(outcome: .manifestWritten(manifest))
    }
}
