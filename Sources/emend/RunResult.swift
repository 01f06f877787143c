import Checkpoints
import Configurations
import Datasets
import Foundation
import Roles
import Telemetry
import Training

/// The end of `emend train`: the model, its scores, and the result on standard output.
struct RunResult {
    private let directory: RunDirectory
    private let description: RunDescription
    private let run: TrainedRun
    private let validation: RunValidation
    private let display: ProgressDisplay

    /// Opens and verifies the last checkpoint of a run that has ended.
    init(
        _ directory: RunDirectory, _ description: RunDescription, _ validation: RunValidation,
        _ display: ProgressDisplay
    ) throws {
        self.directory = directory
        self.description = description
        self.validation = validation
        self.display = display
        run = try TrainedRun(run: directory)
    }

    /// Writes the model, evaluates what was trained, and prints the result.
    func report(json: Bool) throws {
        validation.wait()
        try ModelFile.write(run.checkpoint, run: directory.path)
        let trainsPrimary = run.checkpoint.manifest.phase != "ancillary"
        let canJudge = description.dataset.map { !$0.validation.isEmpty } ?? false
        let primary = canJudge && trainsPrimary ? try validation.scores(.primary, run) : nil
        let ancillary = canJudge && run.hasAncillary ? try validation.scores(.ancillary, run) : nil
        if let primary { try validation.record(primary, step: run.checkpoint.manifest.step) }
        // What was held while it was judged, and is not the best, may be older than what is kept;
        // where it cannot be deleted it does no harm.
        _ = try? directory.checkpoints().prune(keep: description.configuration.checkpoint.keep)
        let result = try result(primary, ancillary)
        try Data((jsonLine(result) + "\n").utf8).write(
            to: URL(fileURLWithPath: directory.resultFile), options: .atomic)
        try result.show(classNames: description.classNames, json: json)
    }

    private func result(_ primary: ModelScores?, _ ancillary: ModelScores?) throws
        -> TrainingResult
    {
        TrainingResult(
            method: description.configuration.method.rawValue,
            steps: run.checkpoint.manifest.step, seed: description.configuration.seed,
            parametersSHA256: run.checkpoint.manifest.parametersSHA256,
            optimizerSHA256: try run.checkpoint.optimizerSHA256(), primary: primary,
            ancillary: ancillary, imagesPerSecond: display.imagesPerSecond, run: directory.path)
    }
}
