import ArgumentParser
import Checkpoints
import Foundation
import Roles

/// `emend compare`: the results of finished runs side by side.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the per-class IoU of finished runs side by side, and their margins.",
        discussion: "A run that trained an ancillary model adds a column for it.")

    @Argument(help: "Directories of finished runs.") var runs: [String]
    @Flag(help: "One line of JSON.") var json = false

    private struct Result: Decodable {
        var method: String
        var meanIoU: Double?
        var meanIoUPresent: Double?
        var classIoU: [String: Double?]?
        var ancillaryMeanIoU: Double?
        var ancillaryMeanIoUPresent: Double?
        var ancillaryClassIoU: [String: Double?]?

        enum CodingKeys: String, CodingKey {
            case method
            case meanIoU = "mean_iou"
            case meanIoUPresent = "mean_iou_present"
            case classIoU = "class_iou"
            case ancillaryMeanIoU = "ancillary_mean_iou"
            case ancillaryMeanIoUPresent = "ancillary_mean_iou_present"
            case ancillaryClassIoU = "ancillary_class_iou"
        }

        var columns: [(title: String, scores: ModelScores)] {
            let own = ModelScores(meanIoU, meanIoUPresent, classIoU).map { (method, $0) }
            let ancillary = ModelScores(
                ancillaryMeanIoU, ancillaryMeanIoUPresent, ancillaryClassIoU
            ).map { ("ancillary", $0) }
            return [ancillary, own].compactMap { $0 }.map { (title: $0.0, scores: $0.1) }
        }
    }

    func run() throws {
        try reportingErrors {
            var columns: [(title: String, scores: ModelScores)] = []
            for run in runs {
                for column in try result(of: run).columns
                where column.title != "ancillary"
                    || !columns.contains(where: { $0.title == "ancillary" })
                {
                    columns.append(column)
                }
            }
            guard let first = runs.first else { return }
            let names = try TrainedRun(run: RunDirectory(first)).description.classNames
            guard !json else {
                print(
                    try jsonLine(
                        columns.map { ["title": $0.title, "mean_iou": String($0.scores.meanIoU)] }))
                return
            }
            print(ScoreTable(columns: columns, classNames: names).text)
            show(margins: columns.filter { $0.title != "ancillary" })
        }
    }

    /// How far each model is from the first.
    private func show(margins columns: [(title: String, scores: ModelScores)]) {
        guard let base = columns.first else { return }
        for column in columns.dropFirst() {
            print(
                String(
                    format: "margin of %@ over %@: %+.1f points of mean IoU", column.title,
                    base.title, column.scores.meanIoU - base.scores.meanIoU))
        }
    }

    private func result(of run: String) throws -> Result {
        let file = RunDirectory(run).resultFile
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CheckpointError(
                .missing, file: file, "the run has no result; give the directory of a finished run")
        }
        do {
            return try JSONDecoder().decode(Result.self, from: data)
        } catch {
            throw CheckpointError(.corrupt, file: file, "not a run's result: \(error)")
        }
    }
}
