import Checkpoints
import Configurations
import Dispatch
import Foundation
import Roles
import Tensors
import Synchronization
import Training

/// Measures the validation list while a run goes on, and keeps track of the best checkpoint.
///
/// Checkpoints at multiples of `evaluate.every` are judged in the background, one at a time.
final class RunValidation: Sendable {
    private struct State {
        var isRunning = false
        var judged: Set<Int> = []
        var notes: [String] = []
        var best: BestCheckpoint?
    }

    private let directory: RunDirectory
    private let description: RunDescription
    private let root: URL?
    private let threadCount: Int
    private let queue = DispatchQueue(label: "emend.validation")
    private let state = Mutex(State())

    init(_ directory: RunDirectory, _ description: RunDescription, root: URL?, threadCount: Int) {
        self.directory = directory
        self.description = description
        self.root = root
        self.threadCount = threadCount
        // Of a run that is continued.
        guard directory.holdsRun else { return }
        state.withLock { $0.best = try? directory.checkpoints().best() }
    }

    /// Starts what is due and hands over what was found since the last call.
    func tick(note: (String) -> Void) {
        let notes = state.withLock { state in
            defer { state.notes = [] }
            return state.notes
        }
        notes.forEach(note)
        guard description.configuration.evaluate.every > 0, let step = nextStep() else { return }
        queue.async { [self] in
            let note = judge(step)
            state.withLock {
                $0.isRunning = false
                $0.notes.append(note)
            }
        }
    }

    /// Waits for the evaluation under way.
    func wait() { queue.sync {} }

    /// Scores of a checkpoint's model on the validation list.
    func scores(_ model: SegmentationModel, _ run: TrainedRun) throws -> ModelScores {
        try ModelJudgement(
            description, root: root, options: InferenceOptions(description.configuration),
            pool: ThreadPool(threadCount: threadCount)
        ).scores(model, try run.parameters(of: model))
    }

    /// Records a checkpoint's result; the best one so far is kept by retention.
    func record(_ scores: ModelScores, step: Int) throws {
        let found = BestCheckpoint(step: step, meanIOU: scores.meanIoU / 100)
        let isBest = state.withLock { state in
            guard state.best.map({ found.meanIOU > $0.meanIOU }) ?? true else { return false }
            state.best = found
            return true
        }
        if isBest { try directory.checkpoints().recordBest(found) }
    }

    private func nextStep() -> Int? {
        guard directory.holdsRun, let steps = try? directory.checkpoints().steps() else {
            return nil
        }
        let every = description.configuration.evaluate.every
        return state.withLock { state in
            guard !state.isRunning,
                let step = steps.last(where: {
                    $0 > 0 && $0.isMultiple(of: every) && !state.judged.contains($0)
                })
            else { return nil }
            state.judged.formUnion(steps.filter { $0 <= step })
            state.isRunning = true
            return step
        }
    }

    /// The model that the phase of a step trains: only the primary's results rank checkpoints.
    private func judge(_ step: Int) -> String {
        do {
            // The run goes on meanwhile, and would delete the checkpoint when it is old.
            let checkpoints = try directory.checkpoints()
            try checkpoints.hold(step)
            defer { try? checkpoints.hold(nil) }
            let run = try TrainedRun(run: directory, .step(step))
            let model: SegmentationModel =
                run.checkpoint.manifest.phase == TrainingSchedule.PhaseName.ancillary.rawValue
                ? .ancillary : .primary
            let scores = try scores(model, run)
            if model == .primary { try record(scores, step: step) }
            return String(
                format: "step %d: mean IoU of the %@ model %.1f (present classes %.1f)", step,
                model == .primary ? "primary" : "ancillary", scores.meanIoU, scores.meanIoUPresent)
        } catch {
            return "step \(step) could not be evaluated: \(error)"
        }
    }
}
