import ArgumentParser
import Foundation
import Roles

/// `emend compare`: the results of finished runs side by side.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the per-class IoU of finished runs side by side, and their margins.",
        discussion: "A run that trained an ancillary model adds a column for it.")

    @Argument(help: "Directories of finished runs.") var runs: [String]
    @Flag(help: "One line of JSON.") var json = false

    private struct Column: Encodable {
        var title: String
        var scores: ModelScores
    }

    func run() throws {
        try reportingErrors {
            var columns: [(title: String, scores: ModelScores)] = []
            for run in runs {
                for column in try TrainingResult(of: RunDirectory(run)).columns
                where column.title != "ancillary"
                    || !columns.contains(where: { $0.title == "ancillary" })
                {
                    columns.append(column)
                }
            }
            guard let first = runs.first else { return }
            let names = try TrainedRun(run: RunDirectory(first)).description.classNames
            guard !json else {
                print(try jsonLine(columns.map { Column(title: $0.title, scores: $0.scores) }))
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
}

extension TrainingResult {
    /// The models that were judged, the ancillary one first.
    fileprivate var columns: [(title: String, scores: ModelScores)] {
        [("ancillary", ancillary), (method, primary)].compactMap { title, scores in
            scores.map { (title: title, scores: $0) }
        }
    }
}
