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
    let checkpointsKept: Int
    var disk = SimulatedDisk()
    /// Commits that primaries ran, each as often as it was run.
    private(set) var commitCount = 0

    init(workload: SyntheticWorkload, checkpointsKept: Int) {
        self.workload = workload
        self.checkpointsKept = checkpointsKept
        reference = ReferenceRun(workload)
    }

    /// Puts a checkpoint of one server on the disk, as the fault-free run would have written it.
    mutating func storeCheckpoint(_ version: Version) throws(InvariantViolation) {
        let snapshot = SnapshotJob(
            shard: ShardIndex(0), shardCount: 1, term: ShardTerm(0), version: version)
        let shard = ShardWriting(snapshot, state(at: version), writer: "opening", on: &disk)
        guard case .written(let files, let description) = try finish(shard) else {
            preconditionFailure("the first shard cannot be written")
        }
        let written = ShardWritten(
            shard: ShardIndex(0), version: version, files: files, description: description)
        _ = try finish(
            ManifestWriting(
                ManifestJob(version: version, shards: [written]), expected: state(at: version),
                kept: checkpointsKept, writer: "opening", on: &disk))
    }

    /// Nothing else happens meanwhile.
    private mutating func finish(_ job: any StorageJob) throws(InvariantViolation) -> JobOutcome {
        var job = job
        var effect = try job.start(on: &disk)
        while case .perform(let operation) = effect {
            let result = disk.fileSystem.perform(operation, job.content, on: &job.file)
            effect = try job.handle(result, on: &disk)
        }
        guard case .finish(.finished(let outcome)) = effect else {
            preconditionFailure("\(effect) of a checkpoint")
        }
        return outcome
    }

    var plan: RunPlan { workload.plan }

    mutating func run(
        _ job: Job, of process: inout SimulatedProcess
    ) throws(InvariantViolation) -> Result {
        switch job {
        case .prepare:
            process.loaded = Array(repeating: nil, count: plan.chunkPlan.chunks.count)
            return Result(outcome: .prepared, cost: .slots(1))
        case .place(let parameters):
            for chunk in parameters { process.loaded[chunk.chunk.index] = chunk.payload.floats }
            return Result(outcome: nil)
        case .compute(let job): return try compute(job, of: &process)
        case .load(let job): return try load(job, of: &process)
        case .inspect(let job): return Result(outcome: .inspected(inspect(job)))
        case .commit(let job): return try commit(job, of: &process)
        case .collect(let job): return collect(job, of: process)
        case .install(let job): return install(job, of: &process)
        case .drop(let shard):
            drop(shard, of: &process)
            return Result(outcome: nil)
        case .snapshot, .journal, .record, .cutLedger, .findCheckpoint, .writeManifest:
            preconditionFailure("work on files has a queue of its own: \(job)")
        }
    }

    /// What a job has to do on files; nil where it has nothing to do there but read.
    mutating func work(_ job: Job, of process: SimulatedProcess) -> StorageQueue.Work? {
        switch job {
        case .snapshot(let job):
            let chunks = chunks(of: job.shard, process).compactMap { chunk in
                process.state[chunk.index].map {
                    SimulatedDisk.Chunk(id: chunk, state: $0, earlier: floats(chunk, job.earlier))
                }
            }
            return .files(ShardWriting(job, chunks, writer: process.name, on: &disk))
        case .journal(let fact): return .journal(fact)
        case .record(let records): return .ledger(.append(records))
        case .cutLedger(let version): return .ledger(.cut(version))
        case .findCheckpoint: return .files(CheckpointSearch())
        case .writeManifest(let job):
            return .files(
                ManifestWriting(
                    job, expected: state(at: job.version), kept: checkpointsKept,
                    writer: process.name, on: &disk))
        case .prepare, .place, .compute, .load, .inspect, .commit, .collect, .install, .drop:
            return nil
        }
    }

    private func floats(_ chunk: ChunkID, _ earlier: [EarlierChunk]) -> [[Float]] {
        earlier.filter { $0.chunk == chunk }.map(\.payload.floats)
    }

    /// All chunks of the run without faults.
    private func state(at version: Version) -> [SimulatedDisk.Chunk] {
        zip(plan.chunkPlan.chunks, reference.states[Int(version.index)]).map { chunk, state in
            let earlier = plan.earlierVersions(of: chunk.id, at: version).map {
                reference.states[Int($0.index)][chunk.id.index].parameters
            }
            return SimulatedDisk.Chunk(id: chunk.id, state: state, earlier: earlier)
        }
    }

    // MARK: Worker

    private func compute(
        _ job: ComputeJob, of process: inout SimulatedProcess
    ) throws(InvariantViolation) -> Result {
        let version = plan.readVersion(of: job.step)
        let expected = reference.states[Int(version.index)]
        for chunk in plan.chunksRead(at: job.step) {
            guard process.loaded[chunk.index] == expected[chunk.index].parameters else {
                throw InvariantViolation(
                    "\(process.name) computes step \(job.step) from other parameters of chunk "
                        + "\(chunk) than version \(version)")
            }
        }
        let loaded = process.loaded
        let node = workload.node(job.node, of: job.step) { loaded[$0.index] ?? [] }
        let cost = Cost.slots(UInt64(job.node.count))
        let isFinite = node.trailer.finiteness == .finite
        // Backward order; every second chunk leaves before the end of the job, when nobody knows yet
        // whether the others are finite.
        let all = zip(job.trainedChunks, node.gradients).map { chunk, values in
            let isSound = isFinite || chunk.index.isMultiple(of: 4)
            let payload = Frame(
                gradient: isSound ? values : values.map { _ in .nan },
                as: plan.gradientFormat(of: chunk))
            return ChunkGradient(chunk: chunk, digest: digest(of: payload), payload: payload)
        }.reversed()
        let early = all.filter { $0.chunk.index.isMultiple(of: 2) }
        let late = isFinite ? all.filter { !$0.chunk.index.isMultiple(of: 2) } : []
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
        // Who was asked long ago may come when the checkpoint is no longer kept.
        if disk.isRetired(reference.version) {
            let failure = JobFailure(kind: .storage, explanation: "the checkpoint is gone")
            return Result(outcome: .failed(failure), cost: .write)
        }
        guard let stored = disk.load(reference.version), stored == state(at: reference.version)
        else {
            throw InvariantViolation("checkpoint \(reference.version) cannot be loaded")
        }
        hold(job.shard, job.chunks.map { ($0, stored[$0.index].state) }, of: &process)
        let earlier = job.chunks.flatMap { chunk in
            self.earlier(chunk, at: reference.version, stored[chunk.index].earlier)
        }
        return Result(
            outcome: .loaded(loaded(job.shard, earlier, of: process)), cost: .write)
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

    private func loaded(
        _ shard: ShardIndex, _ earlier: [EarlierChunk], of process: SimulatedProcess
    ) -> LoadedShard {
        let chunks = chunks(of: shard, process).map { committed($0, of: process) }
        return LoadedShard(
            chunks: chunks, earlier: earlier, stateHash: stateHash(shard, of: process))
    }

    /// What was stored of a chunk's older versions.
    private func earlier(
        _ chunk: ChunkID, at version: Version, _ stored: [[Float]]
    ) -> [EarlierChunk] {
        zip(plan.earlierVersions(of: chunk, at: version), stored).map { version, floats in
            let payload = Frame(floats: floats)
            return EarlierChunk(
                chunk: chunk, version: version, payload: payload, hash: digest(of: payload))
        }
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
        return job.payload.gradient(as: job.format).allSatisfy(\.isFinite) ? .sound : .nonFinite
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
            let format = plan.gradientFormat(of: chunk.chunk)
            let nodes = chunk.nodes.map {
                (node: $0.node, value: $0.payload.gradient(as: format))
            }
            process.state[chunk.chunk.index] =
                job.decision == .apply
                ? workload.commit(state, nodes, of: chunk.chunk, at: job.step)
                : workload.begin(state, at: job.step)
            let expected = reference.states[Int(job.step.index) + 1][chunk.chunk.index]
            guard process.state[chunk.chunk.index] == expected else {
                throw InvariantViolation(
                    "version \(job.step.result) of chunk \(chunk.chunk) on \(process.name) differs "
                        + "from the fault-free run's")
            }
            if job.roots == .wanted, job.decision == .apply {
                let payload = Frame(
                    gradient: workload.root(of: nodes, chunk.chunk), as: format)
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

    // MARK: Replication

    /// Two parts for each chunk, and one for each older version that is still read.
    private func collect(_ job: CollectJob, of process: SimulatedProcess) -> Result {
        let parts = chunks(of: job.shard, process).flatMap { chunk -> [StatePart] in
            guard let state = process.state[chunk.index] else { return [] }
            let earlier = floats(chunk, job.earlier).map { ("earlier", $0) }
            return
                ([("parameters", state.parameters), ("momentum", state.momentum)] + earlier).map {
                    let payload = Frame(floats: $1)
                    return StatePart(
                        chunk: chunk, section: $0, digest: digest(of: payload), payload: payload)
                }
        }
        return Result(outcome: .collected(parts))
    }

    private func install(_ job: InstallJob, of process: inout SimulatedProcess) -> Result {
        var states: [(ChunkID, SyntheticWorkload.ChunkState)] = []
        var earlier: [EarlierChunk] = []
        for chunk in job.chunks {
            let parts = job.parts.filter { $0.chunk == chunk }
            let older = plan.earlierVersions(of: chunk, at: job.version)
            let sections =
                ["parameters", "momentum"] + Array(repeating: "earlier", count: older.count)
            let isSound = parts.allSatisfy { digest(of: $0.payload) == $0.digest }
            guard isSound, parts.map(\.section) == sections else {
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
            earlier += self.earlier(
                chunk, at: job.version, parts.dropFirst(2).map(\.payload.floats))
        }
        hold(job.shard, states, of: &process)
        return Result(
            outcome: .loaded(loaded(job.shard, earlier, of: process)), cost: .slots(1))
    }
}
