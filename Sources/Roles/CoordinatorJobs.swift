import Checkpoints
import Configurations
import Dispatch
import Foundation
import TrainingProtocol
import Transport

/// The jobs of a coordinator: its journal, and the manifests of checkpoints.
final class CoordinatorJobs: JobRunner, @unchecked Sendable {
    // Sendable: everything that changes is touched on `queue` alone.
    private let queue = DispatchQueue(label: "emend.journal")
    private let journal: Journal
    private let checkpoints: RunCheckpoints
    private let keep: Int

    init(journal: Journal, checkpoints: RunCheckpoints) {
        self.journal = journal
        self.checkpoints = checkpoints
        keep = checkpoints.description.configuration.checkpoint.keep
    }

    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void) {
        queue.async { [self] in
            do {
                switch job {
                case .journal(let entry):
                    try journal.append(entry)
                    report(.finished(.journaled))
                case .writeManifest(let job):
                    report(.finished(.manifestWritten(try writeManifest(job))))
                case .prepare, .compute, .load, .inspect, .commit, .snapshot:
                    preconditionFailure("not a coordinator's job: \(job)")
                }
            } catch {
                report(.finished(.failed(JobFailure(error))))
            }
        }
    }

    private func writeManifest(_ job: ManifestJob) throws -> CheckpointReference {
        let records = job.shards.flatMap { shard in
            shard.files.map {
                ShardRecord(
                    fileName: $0.name, byteCount: Int($0.byteCount), sha256: $0.hash.description)
            }
        }
        let reference = try checkpoints.writeManifest(
            version: job.version, numericsClass: job.numericsClass, shards: records)
        _ = try checkpoints.directory.prune(keep: keep)
        return reference
    }
}
