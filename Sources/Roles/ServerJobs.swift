import CKernels
import Checkpoints
import Dispatch
import Foundation
import Tensors
import TrainingProtocol
import Transport

/// The jobs of a server: loads shards, inspects payloads, commits steps, and writes snapshots in the
/// background.
final class ServerJobs: JobRunner, @unchecked Sendable {
    // Sendable: everything that changes is touched on `queue` alone.
    private let queue = DispatchQueue(label: "emend.commit")
    private let writing = DispatchQueue(label: "emend.checkpoint")
    private let pace = CheckpointPace()
    private let run: RunDirectory
    private let pool: ThreadPool
    private let blocks = FloatBlocks()
    /// Sorted by shard.
    private var shards: [(index: ShardIndex, state: ShardValues)] = []
    private var shardCount = 0

    init(
        run: RunDirectory, threadCount: Int,
        kernels: UnsafePointer<ck_table> = ck_kernels()
    ) {
        self.run = run
        pool = ThreadPool(threadCount: threadCount, kernels: kernels)
    }

    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void) {
        queue.async { [self] in
            do {
                switch job {
                case .load(let job):
                    report(.finished(.loaded(try load(job))))
                case .inspect(let job):
                    report(.finished(.inspected(inspect(job))))
                case .commit(let job):
                    report(.finished(.committed(commit(job, report))))
                case .snapshot(let job):
                    write(job, shards[place(of: job.shard)].state.snapshot(job), report)
                case .collect(let job):
                    let parts = shards[place(of: job.shard)].state.parts(job)
                    report(.finished(.collected(parts)))
                case .install(let job):
                    report(.finished(.loaded(try install(job))))
                case .drop(let shard):
                    shards.removeAll { $0.index == shard }
                case .prepare, .place, .compute, .journal, .writeManifest, .findCheckpoint, .record,
                    .cutLedger:
                    preconditionFailure("not a server's job: \(job)")
                }
            } catch {
                report(.finished(.failed(JobFailure(error))))
            }
        }
    }

    private func load(_ job: LoadJob) throws -> LoadedShard {
        let description = try RunDescription(frame: job.configuration)
        guard case .checkpoint(let reference) = job.source else {
            preconditionFailure("a shard is loaded from a checkpoint, not from \(job.source)")
        }
        let checkpoint = try run.checkpoints().open(step: Int(reference.version.index))
        var state = try ShardValues(job, description: description, checkpoint: checkpoint)
        let loaded = state.takeLoaded()
        hold(state, as: job.shard)
        return loaded
    }

    private func install(_ job: InstallJob) throws -> LoadedShard {
        let description = try RunDescription(frame: job.configuration)
        var state = try ShardValues(job, description: description)
        let loaded = state.takeLoaded()
        hold(state, as: job.shard)
        return loaded
    }

    private func hold(_ state: ShardValues, as shard: ShardIndex) {
        shards.removeAll { $0.index == shard }
        shards.append((shard, state))
        shards.sort { $0.index < $1.index }
    }

    /// A payload is believed if its digest fits and all its numbers are finite; it is read once.
    private func inspect(_ job: InspectJob) -> Inspection {
        let digest = DigestStream(), size = job.format.elementByteCount
        var isFinite = true
        for tile in ChunkState.tiles(of: job.payload.byteCount / size) {
            let part = UnsafeRawBufferPointer(
                rebasing: job.payload.bytes[tile.lowerBound * size..<tile.upperBound * size])
            digest.update(part)
            isFinite = areFinite(part, job.format) && isFinite
        }
        guard digest.digest == job.digest else { return .corrupt }
        return isFinite ? .sound : .nonFinite
    }

    private func areFinite(_ numbers: UnsafeRawBufferPointer, _ format: GradientFormat) -> Bool {
        switch format {
        case .float32: areFinite(numbers.assumingMemoryBound(to: Float.self))
        case .bfloat16:
            withExtendedLifetime(blocks.floats(ofBFloat16: numbers, kernels: pool.kernels)) {
                areFinite(UnsafeBufferPointer($0.floats))
            }
        }
    }

    private func areFinite(_ floats: UnsafeBufferPointer<Float>) -> Bool {
        var largest: Float = 0
        return pool.kernels.pointee.scan_finite(&largest, floats.baseAddress, floats.count) == 1
    }

    private func commit(
        _ job: CommitJob, _ report: @escaping @Sendable (JobReport) -> Void
    ) -> CommitResult {
        pace.note(job.step)
        return shards[place(of: job.shard)].state.commit(job, pool: pool) {
            report(.progressed(.chunk($0)))
        }
    }

    /// The snapshot holds references to the state of this moment; commits go on meanwhile.
    private func write(
        _ job: SnapshotJob, _ snapshot: ShardSnapshot,
        _ report: @escaping @Sendable (JobReport) -> Void
    ) {
        pace.beginWrite()
        writing.async { [run, pace] in
            defer { pace.endWrite() }
            do {
                let directory = try run.checkpoints().makingWay { pace.makesWay() }
                let record = try directory.write(
                    snapshot.shard(index: job.shard.index, count: job.shardCount),
                    step: Int(job.version.index))
                let file = WrittenFile(
                    name: record.fileName, byteCount: UInt64(record.byteCount),
                    hash: ContentHash(hexadecimal: record.sha256))
                report(.finished(.written([file], description: Frame(copying: []))))
            } catch {
                report(.finished(.failed(JobFailure(error))))
            }
        }
    }

    private func place(of shard: ShardIndex) -> Int {
        guard let place = shards.firstIndex(where: { $0.index == shard }) else {
            preconditionFailure("shard \(shard) was never loaded here")
        }
        return place
    }
}
