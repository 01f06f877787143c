import Checkpoints
import Configurations
import Dispatch
import Foundation
import Synchronization
import Tensors
import TrainingProtocol
import Transport

/// A run of one server whose tensors are made up, driven through the real jobs of server and
/// coordinator: what `CheckpointBenchmark` commits and writes.
final class MadeUpShard {
    private let run: MadeUpRun
    private let server: ServerJobs
    private let coordinator: CoordinatorJobs
    private let gradients: [CommitJob.ChunkNodes]
    private var version = Version.initial

    private var plan: RunPlan { run.plan }
    var parameterCount: Int { plan.tensors.reduce(0) { $0 + $1.elementCount } }

    /// Begins a new run of 41 million parameters in `path` and loads its checkpoint 0.
    init(_ configuration: Configuration, directory path: String, threads: Int) throws {
        run = try MadeUpRun(configuration, directory: path, blockCount: 77)
        coordinator = try run.openJobs()
        server = ServerJobs(
            run: run.directory, threadCount: threads, kernels: try InstructionSet.auto.kernels())
        gradients = run.gradients(of: run.plan.tree.root)
        let load = LoadJob(
            shard: ShardIndex(0), chunks: run.plan.chunkPlan.chunks.map(\.id),
            source: .checkpoint(run.start), startVersion: .initial,
            configuration: run.description.frame, plan: run.plan)
        try perform(.load(load), by: server).get()
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
        let checkpoints = run.checkpoints.directory
        let newest = try Checkpoint(directory: checkpoints.path(of: checkpoints.steps().last ?? 0))
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
