import Checkpoints
import Configurations
import Dispatch
import Foundation
import Ledger
import Synchronization
import TrainingProtocol
import Transport

/// A run of one server whose tensors are made up, driven through the real jobs of server and
/// coordinator: what `CheckpointBenchmark` commits and writes.
final class MadeUpShard {
    private let directory: RunDirectory
    private let plan: RunPlan
    private let checkpoints: RunCheckpoints
    private let server: ServerJobs
    private let coordinator = CoordinatorJobs()
    private let gradients: [CommitJob.ChunkNodes]
    private var version = Version.initial

    var parameterCount: Int { plan.tensors.reduce(0) { $0 + $1.elementCount } }

    /// Writes checkpoint 0 into a new run's directory and loads it.
    init(_ configuration: Configuration, directory path: String, threads: Int) throws {
        directory = RunDirectory(path)
        let description = RunDescription(
            configuration: configuration, dataset: nil, classNames: ["one", "two"])
        plan = RunPlan(madeUpFor: configuration)
        let runID = RunID(high: 0, low: 1)
        checkpoints = RunCheckpoints(
            run: path, runID: runID, plan: plan, description: description)
        let reference = try Self.writeInitial(checkpoints)
        try directory.writeIdentity(runID)
        let ledger = try Ledger.open(
            path: directory.ledgerFile,
            header: LedgerHeader(run: runID.description, plan, description))
        coordinator.open(try Journal.open(run: path).journal, ledger, checkpoints)
        server = ServerJobs(run: directory, threadCount: threads)
        let root = plan.tree.root
        gradients = plan.chunkPlan.chunks.map { chunk in
            let payload = Frame(floats: (0..<chunk.elementCount).map { Float($0 % 97) * 1e-5 })
            return CommitJob.ChunkNodes(
                chunk: chunk.id, nodes: [CommitJob.NodePayload(node: root, payload: payload)])
        }
        let load = LoadJob(
            shard: ShardIndex(0), chunks: plan.chunkPlan.chunks.map(\.id),
            source: .checkpoint(reference), startVersion: .initial,
            configuration: description.frame, plan: plan)
        try perform(.load(load), by: server).get()
    }

    private static func writeInitial(_ checkpoints: RunCheckpoints) throws -> CheckpointReference {
        let largest = checkpoints.plan.tensors.map(\.elementCount).max() ?? 0
        let values = (0..<largest).map { Float($0 % 1009) * 1e-3 }
        let record = try values.withUnsafeBufferPointer { values in
            let planes = checkpoints.plan.tensorEntries.map { tensor in
                Shard.Plane(
                    TensorSlice(tensor), .values,
                    UnsafeBufferPointer(rebasing: values[..<tensor.elementCount]))
            }
            return try checkpoints.directory.write(
                Shard(server: 0, serverCount: 1, planes: planes, scalars: [:]), step: 0)
        }
        return try checkpoints.writeManifest(
            version: .initial, numericsClass: nil, shards: [record])
    }

    /// One step of the server: the optimizer on all chunks.
    func commit() throws {
        let trailer = Trailer(
            samples: UInt64(plan.samplesPerSlot), validPixels: 1, losses: [], metrics: [],
            finiteness: .finite, maximumAbsoluteGradient: 1)
        let job = CommitJob(
            shard: ShardIndex(0), step: Step(version.index), decision: .apply, trailer: trailer,
            chunks: gradients, roots: .unused)
        try perform(.commit(job), by: server).get()
        version = Version(version.index + 1)
    }

    /// Starts a checkpoint of the present version: shard, manifest, retention, journal.
    func beginCheckpoint() -> Pending {
        let pending = Pending()
        let version = version
        let snapshot = SnapshotJob(
            shard: ShardIndex(0), shardCount: 1, term: ShardTerm(1), version: version)
        let coordinator = coordinator
        start(.snapshot(snapshot), by: server, into: pending) { outcome in
            guard case .written(let files, _) = outcome else { return }
            let written = ShardWritten(
                shard: ShardIndex(0), version: version, files: files,
                description: Frame(copying: []))
            let manifest = ManifestJob(version: version, shards: [written])
            start(.writeManifest(manifest), by: coordinator, into: pending) { outcome in
                guard case .manifestWritten(let reference) = outcome else { return }
                let fact = Job.journal(.checkpointCommitted(reference))
                start(fact, by: coordinator, into: pending) { pending.finish($0) }
            }
        }
        return pending
    }

    /// Of the newest checkpoint's files.
    func checkpointByteCount() throws -> Int {
        let steps = try checkpoints.directory.steps()
        let newest = try Checkpoint(directory: checkpoints.directory.path(of: steps.last ?? 0))
        return newest.manifest.shards.reduce(0) { $0 + $1.byteCount }
    }

    private func perform(_ job: Job, by runner: some JobRunner) -> Pending {
        let pending = Pending()
        start(job, by: runner, into: pending) { pending.finish($0) }
        return pending
    }
}

/// Hands a job's outcome on, unless it failed.
private func start(
    _ job: Job, by runner: some JobRunner, into pending: Pending,
    then next: @escaping @Sendable (JobOutcome) -> Void
) {
    runner.start(job, id: JobID(0)) { report in
        guard case .finished(let outcome) = report else { return }
        if case .failed = outcome { pending.finish(outcome) } else { next(outcome) }
    }
}

/// The outcome of jobs that run elsewhere.
final class Pending: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let outcome = Mutex<JobOutcome?>(nil)
    private let done = DispatchSemaphore(value: 0)

    var isFinished: Bool { outcome.withLock { $0 != nil } }

    fileprivate func finish(_ outcome: JobOutcome) {
        self.outcome.withLock { $0 = outcome }
        done.signal()
    }

    /// Waits for the end; throws what a job failed with.
    func get() throws {
        done.wait()
        if case .failed(let failure) = outcome.withLock({ $0 }) {
            throw Failure(description: failure.explanation)
        }
    }
}

extension RunPlan {
    /// 41 million parameters in separable convolutions of 728 channels, as in Xception's middle.
    fileprivate init(madeUpFor configuration: Configuration) {
        let attributes = TensorDescription.Attributes(
            weightDecay: .applied, learningRateMultiplier: 1)
        let tensors = (0..<77).flatMap { block in
            [
                ("depthwise.weight", [728, 1, 3, 3]), ("pointwise.weight", [728, 728, 1, 1]),
                ("norm.weight", [728]), ("norm.bias", [728]),
            ].map { name, shape in
                TensorDescription(
                    name: "block\(block).\(name)", group: .primary, shape: shape,
                    attributes: attributes)
            }
        }
        let phase = Phase(
            name: "main", firstStep: Step(0), stepCount: UInt64(configuration.phases.main.steps),
            trainedGroups: [.primary], readGroups: [.primary])
        self.init(
            slotCount: 1, samplesPerSlot: 4, phases: [phase], tensors: tensors,
            chunkPlan: ChunkPlan(tensors: tensors), checkpointInterval: 0,
            gradientCap: .greatestFiniteMagnitude, lossNames: [], metricNames: [])
    }
}
