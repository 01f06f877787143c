import Checkpoints
import Configurations
import Dispatch
import Foundation
import Ledger
import TrainingProtocol
import Transport

/// The jobs of a coordinator: its journal, the ledger, and the manifests of checkpoints.
final class CoordinatorJobs: JobRunner, @unchecked Sendable {
    // Sendable: everything that changes is touched on `queue` alone.
    private let queue = DispatchQueue(label: "emend.journal")
    private var files: Files?

    private struct Files {
        let journal: Journal
        let ledger: Ledger
        let checkpoints: RunCheckpoints
    }

    /// Hands over the run's files; to be called before the first job.
    func open(_ journal: Journal, _ ledger: Ledger, _ checkpoints: RunCheckpoints) {
        let files = Files(journal: journal, ledger: ledger, checkpoints: checkpoints)
        queue.sync { self.files = files }
    }

    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void) {
        queue.async { [self] in
            guard let files else { preconditionFailure("\(job) before the run's files are open") }
            do {
                switch job {
                case .journal(let entry):
                    try files.journal.append(entry)
                    report(.finished(.journaled))
                case .writeManifest(let job):
                    report(.finished(.manifestWritten(try files.checkpoints.write(job))))
                case .findCheckpoint:
                    report(.finished(.checkpointFound(try files.checkpoints.newestVerified())))
                case .record(let records):
                    try files.ledger.append(records.map { LedgerEntry($0) })
                    report(.finished(.recorded))
                case .cutLedger(let version):
                    try files.ledger.cut(toVersion: version.index)
                    report(.finished(.ledgerCut))
                case .prepare, .compute, .load, .inspect, .commit, .snapshot, .collect, .install,
                    .drop:
                    preconditionFailure("not a coordinator's job: \(job)")
                }
            } catch {
                report(.finished(.failed(JobFailure(error))))
            }
        }
    }

}

extension RunCheckpoints {
    /// Completes a checkpoint and deletes those that are no longer kept.
    fileprivate func write(_ job: ManifestJob) throws -> CheckpointReference {
        let records = job.shards.flatMap { shard in
            shard.files.map {
                ShardRecord(
                    fileName: $0.name, byteCount: Int($0.byteCount), sha256: $0.hash.description)
            }
        }
        let manifest = try writeManifest(
            version: job.version, numericsClass: job.numericsClass, shards: records)
        _ = try directory.prune(
            keep: description.configuration.checkpoint.keep, verified: manifest)
        return try reference(step: manifest.step)
    }
}
