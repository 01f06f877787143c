import Checkpoints
import Configurations
import Optimizers
import Tensors
import Training
import TrainingProtocol

/// A shard as its server holds it: its chunks and the state of its optimizer.
struct ShardValues {
    private let plan: RunPlan
    private let schedule: TrainingSchedule
    private let configuration: Configuration
    private let rule: UpdateRule
    private let blocks: FloatBlocks
    /// Sorted by id.
    private var chunks: [ChunkState]
    private var progress: OptimizerProgress
    /// What came with the state and is handed over with it.
    private var earlier: [EarlierChunk]

    /// Reads a shard's chunks from a checkpoint, whatever servers wrote it.
    ///
    /// Throws `CheckpointError` naming file and tensor.
    init(_ job: LoadJob, description: RunDescription, checkpoint: Checkpoint) throws {
        plan = job.plan
        configuration = description.configuration
        schedule = try TrainingSchedule(configuration)
        rule = UpdateRule(configuration.optimizer)
        blocks = FloatBlocks()
        chunks = []
        progress = OptimizerProgress()
        earlier = []
        let version = job.startVersion
        if version.index > 0 {
            guard let stored = OptimizerProgress(scalars: checkpoint.scalars) else {
                throw CheckpointError(
                    .corrupt, file: checkpoint.manifest.runID,
                    "the optimizer's scalars are missing from checkpoint \(version)")
            }
            progress = stored
        }
        for id in job.chunks {
            let chunk = plan.chunkPlan[id]
            let slotNames = plan.slotNames(of: chunk, rule: rule, at: version)
            try chunks.append(read(chunk, slotNames, from: checkpoint))
            for older in plan.earlierVersions(of: id, at: version) {
                let name = PlaneName(rawValue: StateParts.values(at: older))
                let block = try plane(name, of: chunk, from: checkpoint)
                earlier.append(EarlierChunk(id, at: older, block.frame))
            }
        }
    }

    /// Takes over what another server collected of the shard.
    ///
    /// Throws `RoleError.replica` where a part is damaged, missing or too many.
    init(_ job: InstallJob, description: RunDescription) throws {
        plan = job.plan
        configuration = description.configuration
        schedule = try TrainingSchedule(configuration)
        rule = UpdateRule(configuration.optimizer)
        blocks = FloatBlocks()
        chunks = []
        earlier = []
        var parts = StateParts(job.parts)
        progress = try parts.takeProgress(at: job.version)
        for id in job.chunks {
            let chunk = plan.chunkPlan[id]
            let names = plan.slotNames(of: chunk, rule: rule, at: job.version)
            let values = try parts.take(StateParts.values, of: chunk, blocks)
            let slots = try names.map { try parts.take($0, of: chunk, blocks) }
            chunks.append(
                ChunkState(
                    chunk, pieces: plan.pieces(of: chunk), values: values, slots: slots,
                    weightDecay: Float(configuration.optimizer.weightDecay), blocks: blocks))
            for older in plan.earlierVersions(of: id, at: job.version) {
                let block = try parts.take(StateParts.values(at: older), of: chunk, blocks)
                earlier.append(EarlierChunk(id, at: older, block.frame))
            }
        }
        try parts.expectNone()
    }

    /// References to the whole state that the job asks for, for a new backup.
    func parts(_ job: CollectJob) -> [StatePart] {
        StateParts.progress(progress, chunk: chunks[0].chunk.id)
            + chunks.flatMap { chunk in
                let names = plan.slotNames(of: chunk.chunk, rule: rule, at: job.version)
                return [StateParts.part(chunk.chunk.id, StateParts.values, chunk.values.frame)]
                    + zip(names, chunk.slots).map {
                        StateParts.part(chunk.chunk.id, $0, $1.frame)
                    }
            }
            + job.earlier.map {
                StateParts.part($0.chunk, StateParts.values(at: $0.version), $0.payload)
            }
    }

    private func read(_ chunk: Chunk, _ slotNames: [String], from checkpoint: Checkpoint) throws
        -> ChunkState
    {
        ChunkState(
            chunk, pieces: plan.pieces(of: chunk),
            values: try plane(.values, of: chunk, from: checkpoint),
            slots: try slotNames.map {
                try plane(PlaneName(rawValue: $0), of: chunk, from: checkpoint)
            },
            weightDecay: Float(configuration.optimizer.weightDecay), blocks: blocks)
    }

    private func plane(
        _ name: PlaneName, of chunk: Chunk, from checkpoint: Checkpoint
    ) throws -> FloatBlocks.Block {
        let block = blocks.take(chunk.elementCount)
        for piece in plan.pieces(of: chunk) {
            try checkpoint.read(
                piece.tensor.entry, name, from: piece.tensorOffset,
                into: UnsafeMutableBufferPointer(
                    rebasing: block.floats[
                        piece.chunkOffset..<piece.chunkOffset + piece.count]))
        }
        return block
    }

    /// The state with which the shard begins; older values are not kept here.
    mutating func takeLoaded() -> LoadedShard {
        defer { earlier = [] }
        return LoadedShard(
            chunks: chunks.map(\.committed), earlier: earlier, stateHash: stateHash)
    }

    private var stateHash: Digest {
        let hashes = chunks.flatMap(\.stateHashes)
        return hashes.withUnsafeBytes { Digest(of: $0) }
    }

    // MARK: Commit

    /// Runs a step; `onChunk` is called on any thread as soon as a chunk has its new values.
    mutating func commit(
        _ job: CommitJob, pool: ThreadPool, onChunk: @Sendable (CommittedChunk) -> Void
    ) -> CommitResult {
        let step = Int(job.step.index)
        let (phaseIndex, stepInPhase) = schedule.position(ofStep: step)
        let phase = schedule.phases[phaseIndex]
        if stepInPhase == 0 { beginPhase(phase) }
        // A step that changes nothing has no learning rate.
        guard job.decision == .apply else {
            return CommitResult(chunks: [], stateHash: stateHash, learningRate: nil)
        }
        let learningRate = PolynomialSchedule(
            base: phase.baseLearningRate, power: configuration.optimizer.power,
            stepCount: phase.stepCount
        ).learningRate(at: stepInPhase)
        progress.advance(rule)
        let update = StepUpdate(
            tree: plan.tree, gradientFormat: plan.gradientFormat, stepInPhase: stepInPhase,
            rule: rule, learningRate: learningRate, progress: progress)
        let roots = apply(job, update, pool, onChunk)
        return CommitResult(
            chunks: [], stateHash: stateHash, learningRate: learningRate, roots: roots)
    }

    /// Momentum starts at zero in each phase.
    private mutating func beginPhase(_ phase: TrainingSchedule.Phase) {
        progress = OptimizerProgress()
        for index in chunks.indices {
            let group = chunks[index].chunk.group
            let isTrained = phase.trainedGroups.contains(group.tensorGroup)
            chunks[index].resetSlots(
                isTrained && group.rule == .descent ? rule.slotNames.count : 0)
        }
    }

    private mutating func apply(
        _ job: CommitJob, _ update: StepUpdate, _ pool: ThreadPool,
        _ onChunk: @Sendable (CommittedChunk) -> Void
    ) -> [ChunkRoot] {
        let kernels = pool.kernels
        let places = job.chunks.map { index(of: $0.chunk) }
        var roots = [ChunkRoot?](repeating: nil, count: job.chunks.count)
        chunks.withUnsafeMutableBufferPointer { chunks in
            roots.withUnsafeMutableBufferPointer { roots in
                let base = chunks.baseAddress!, out = roots.baseAddress!
                pool.run(count: job.chunks.count) { tile in
                    let (nodes, place) = (job.chunks[tile], places[tile])
                    let root = base[place].apply(
                        nodes.nodes, update, roots: job.roots, kernels: kernels)
                    onChunk(base[place].committed)
                    out[tile] = root.map {
                        ChunkRoot(chunk: nodes.chunk, digest: Digest(of: $0), payload: $0)
                    }
                }
            }
        }
        return roots.compactMap { $0 }
    }

    private func index(of id: ChunkID) -> Int {
        guard let index = chunks.firstIndex(where: { $0.chunk.id == id }) else {
            preconditionFailure("chunk \(id) is not one of this shard's")
        }
        return index
    }

    // MARK: Snapshot

    /// References to the whole state, for a write in the background.
    func snapshot(_ job: SnapshotJob) -> ShardSnapshot {
        ShardSnapshot(
            chunks: chunks.map { chunk in
                ShardSnapshot.ChunkPlanes(
                    pieces: chunk.pieces, values: chunk.values, slots: chunk.slots,
                    earlier: job.earlier.filter { $0.chunk == chunk.chunk.id })
            },
            slotNames: rule.slotNames, scalars: progress.scalars)
    }
}

extension EarlierChunk {
    fileprivate init(_ chunk: ChunkID, at version: Version, _ payload: Frame) {
        self.init(chunk: chunk, version: version, payload: payload, hash: Digest(of: payload))
    }
}

extension RunPlan {
    /// The optimizer slots that a chunk has at a version: those of the phase that led to it.
    func slotNames(of chunk: Chunk, rule: UpdateRule, at version: Version) -> [String] {
        guard version.index > 0, chunk.group.rule == .descent else { return [] }
        let phase = phase(of: Step(version.index - 1))
        return phase.trainedGroups.contains(chunk.group) ? rule.slotNames : []
    }
}

extension UpdateRule {
    init(_ optimizer: Configuration.Optimizer) {
        switch optimizer.rule {
        case .sgd: self = .momentumSGD(momentum: Float(optimizer.momentum))
        case .adamw:
            self = .adamW(
                beta1: Float(optimizer.beta1), beta2: Float(optimizer.beta2),
                epsilon: Float(optimizer.epsilon))
        }
    }
}

/// A shard's state at one version, shared with the shard until its next commit.
struct ShardSnapshot: Sendable {
    struct ChunkPlanes: Sendable {
        let pieces: [ChunkPiece]
        let values: FloatBlocks.Block
        let slots: [FloatBlocks.Block]
        let earlier: [EarlierChunk]

        /// Each plane's name and its elements.
        func named(_ slotNames: [String]) -> [(PlaneName, UnsafeBufferPointer<Float>)] {
            [(.values, UnsafeBufferPointer(values.floats))]
                + zip(slotNames, slots).map {
                    (PlaneName(rawValue: $0), UnsafeBufferPointer($1.floats))
                }
                + earlier.map {
                    let name = PlaneName(rawValue: StateParts.values(at: $0.version))
                    return (name, $0.payload.bytes.assumingMemoryBound(to: Float.self))
                }
        }
    }

    let chunks: [ChunkPlanes]
    let slotNames: [String]
    let scalars: [String: Double]

    /// The planes as a checkpoint's writer takes them.
    func shard(index: Int, count: Int) -> Shard {
        var planes: [Shard.Plane] = []
        for chunk in chunks {
            let named = chunk.named(slotNames)
            for piece in chunk.pieces {
                let range = piece.chunkOffset..<piece.chunkOffset + piece.count
                for (name, floats) in named {
                    planes.append(
                        Shard.Plane(
                            piece.slice, name, UnsafeBufferPointer(rebasing: floats[range])))
                }
            }
        }
        return Shard(server: index, serverCount: count, planes: planes, scalars: scalars)
    }
}
