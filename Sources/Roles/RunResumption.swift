import Checkpoints
import Foundation
import Ledger
import TrainingProtocol

/// A run that goes on: what its directory says of it.
///
/// The newest checkpoint that verifies holds the run's description, so that a coordinator that is
/// started again need not read the data set.
struct RunResumption {
    let description: RunDescription
    let plan: RunPlan
    let checkpoints: RunCheckpoints
    let start: CheckpointReference
    let journal: Journal
    let recovered: RecoveredRun
    let ledger: Ledger
    /// Which newer checkpoints were passed over, and why.
    let notes: [String]

    /// Throws `CheckpointError` or `LedgerError` where the directory holds no run that can go on.
    init(_ directory: RunDirectory) throws {
        let identity = try directory.identity()
        let (checkpoint, skipped) = try directory.checkpoints().newestVerified()
        guard let checkpoint else {
            throw skipped.first
                ?? CheckpointError(
                    .missing, file: directory.path + "/checkpoints", "holds no checkpoint")
        }
        notes = skipped.map { "passed over a checkpoint: \($0)" }
        description = try RunDescription(text: checkpoint.manifest.configuration)
        guard description.hash.description == checkpoint.manifest.configurationSHA256 else {
            throw CheckpointError(
                .corrupt, file: directory.path,
                "was begun by a build with other configuration keys; go on with that build, or "
                    + "begin another run with network.weights=\(directory.path)")
        }
        plan = try RunPlan(description)
        (journal, recovered) = try Self.journal(of: directory)
        guard recovered.run.description == identity,
            recovered.configurationHash == description.hash
        else {
            throw CheckpointError(
                .corrupt, file: directory.path + "/journal.jsonl",
                "is not the journal of run \(identity) with configuration \(description.hash)")
        }
        if recovered.outcome == .completed {
            throw CheckpointError(
                .inUse, file: directory.path, "the run is complete; there is nothing to resume")
        }
        checkpoints = RunCheckpoints(
            run: directory.path, runID: recovered.run, plan: plan, description: description)
        start = try checkpoints.reference(step: checkpoint.manifest.step)
        ledger = try Ledger.open(
            path: directory.ledgerFile, header: LedgerHeader(run: identity, plan, description))
    }

    private static func journal(
        of directory: RunDirectory
    ) throws -> (Journal, RecoveredRun) {
        let (journal, entries) = try Journal.open(run: directory.path)
        guard !entries.isEmpty else {
            throw CheckpointError(
                .missing, file: directory.path + "/journal.jsonl",
                "holds no fact: the run never began; start it without --resume")
        }
        return (journal, RecoveredRun(entries))
    }
}
