import Checkpoints
import Foundation
import Ledger
import TrainingProtocol

/// A run whose ledger and checkpoints were read whole and hold to every rule.
public struct RunVerification {
    /// What the ledger says of the run.
    package let ledger: LedgerVerification
    /// The steps that the run has in all.
    public let stepCount: UInt64
    /// The versions of the checkpoints that were read and compared, oldest first.
    public let checkpoints: [UInt64]

    /// Verifies a run, finished or not; nothing is changed.
    ///
    /// Throws `LedgerError.violation` naming the first violation, `LedgerError.missing` where there
    /// is no ledger, `CheckpointError` where there is no run.
    public init(_ run: RunDirectory) throws {
        let directory = try run.checkpoints()
        guard FileManager.default.fileExists(atPath: run.ledgerFile) else {
            throw LedgerError.missing(file: run.ledgerFile)
        }
        // The list comes before the ledger: a run that goes on may add to both.
        let versions = try directory.steps()
        guard let newest = versions.last else {
            throw LedgerError.violation(
                file: directory.path,
                LedgerViolation(.checkpoint, "there is no complete checkpoint"))
        }
        let description = try CheckpointAudit.description(directory, version: newest)
        let plan = try RunPlan(description)
        ledger = try LedgerVerification(
            path: run.ledgerFile,
            expecting: LedgerHeader(run: directory.runID, plan, description))
        stepCount = plan.stepCount
        var audit = CheckpointAudit(directory, plan, description, ledger)
        var audited: [UInt64] = []
        for version in versions where try audit.check(version: version) == .sound {
            audited.append(UInt64(version))
        }
        checkpoints = audited
        try Self.checkEnd(of: run, newest: newest, ledger)
    }

    /// A run with a result is finished: ledger, newest checkpoint and result are of one version.
    private static func checkEnd(
        of run: RunDirectory, newest: Int, _ ledger: LedgerVerification
    ) throws {
        guard let data = FileManager.default.contents(atPath: run.resultFile) else { return }
        guard let result = try? JSONDecoder().decode(TrainingResult.self, from: data) else {
            throw LedgerError.violation(
                file: run.resultFile, LedgerViolation(.end, "it is not a run's result"))
        }
        guard newest == ledger.recordedThrough, newest == result.steps else {
            throw LedgerError.violation(
                file: run.resultFile,
                LedgerViolation(
                    .end,
                    "the run has ended, but its result is of version \(result.steps), the ledger "
                        + "ends at \(ledger.recordedThrough) and the newest checkpoint is \(newest)"
                ))
        }
        let manifest = try Checkpoint(directory: run.checkpoints().path(of: newest)).manifest
        guard manifest.parametersSHA256 == result.parametersSHA256 else {
            throw LedgerError.violation(
                file: run.resultFile,
                LedgerViolation(
                    .end, checkpoint: UInt64(newest),
                    "the result has parameters_sha256 \(result.parametersSHA256), the checkpoint "
                        + manifest.parametersSHA256))
        }
    }
}
