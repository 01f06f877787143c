import Checkpoints
import Configurations
import Dispatch
import Foundation
import Ledger
import TrainingProtocol
import Transport

/// The jobs of a coordinator: its journal and the ledger, and beside them the manifests of checkpoints.
final class CoordinatorJobs: JobRunner, @unchecked Sendable {
    // Sendable: `files` is set before the first job.
    private let facts = DispatchQueue(label: "emend.journal")
    private let checkpointing = DispatchQueue(label: "emend.checkpoint")
    private let pace = CheckpointPace()
    private var files: Files?

    // Sendable: journal and ledger are touched on `facts` alone.
    private struct Files: @unchecked Sendable {
        let journal: Journal
        let ledger: Ledger
        let checkpoints: RunCheckpoints
    }

    /// Hands over the run's files; to be called before the first job.
    func open(_ journal: Journal, _ ledger: Ledger, _ checkpoints: RunCheckpoints) {
        var checkpoints = checkpoints
        checkpoints.directory = checkpoints.directory.makingWay { [pace] in pace.makesWay() }
        files = Files(journal: journal, ledger: ledger, checkpoints: checkpoints)
    }

    func start(_ job: Job, id: JobID, report: @escaping @Sendable (JobReport) -> Void) {
        guard let files else { preconditionFailure("\(job) before the run's files are open") }
        let queue: DispatchQueue
        switch job {
        case .writeManifest, .findCheckpoint: queue = checkpointing
        default: queue = facts
        }
        if case .writeManifest = job { pace.beginWrite() }
        queue.async { [self] in
            defer { if case .writeManifest = job { pace.endWrite() } }
            do {
                report(.finished(try perform(job, on: files)))
            } catch {
                report(.finished(.failed(JobFailure(error))))
            }
        }
    }

    private func perform(_ job: Job, on files: Files) throws -> JobOutcome {
        switch job {
        case .journal(let entry):
            try files.journal.append(entry)
            return .journaled
        case .writeManifest(let job):
            return .manifestWritten(try files.checkpoints.write(job))
        case .findCheckpoint:
            return .checkpointFound(try files.checkpoints.newestVerified())
        case .record(let records):
            try files.ledger.append(records.map { LedgerEntry($0) })
            if let last = records.last { pace.note(last.step) }
            return .recorded
        case .cutLedger(let version):
            try files.ledger.cut(toVersion: version.index)
            return .ledgerCut
        case .prepare, .place, .compute, .load, .inspect, .commit, .snapshot, .collect, .install,
            .drop:
            preconditionFailure("not a coordinator's job: \(job)")
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
