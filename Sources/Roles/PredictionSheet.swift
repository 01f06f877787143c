import Configurations
import Datasets
import Foundation
import Tensors
import Training

/// Pictures to judge runs by: a row for each of some validation images, its columns the input with
/// its boxes, the truth (both where the content is `all`), what the first run's ancillary model and
/// correction say, and the primary model of every run.
public struct PredictionSheet {
    /// Which pictures a row has.
    public enum Content: String, Sendable, CaseIterable {
        /// The input, the truth and the predictions.
        case all
        /// The predictions alone: a sheet that may go where the data set may not.
        case predictions
    }

    /// What the columns show, from the left.
    public let columns: [String]
    private let content: Content
    private let dataset: VOCDataset
    private let predictors: [RunPredictor]

    /// Opens the data set of the first run below `root`; the others must validate on the same images.
    ///
    /// Throws `DatasetError` or `CheckpointError`, saying what does not fit.
    public init(_ runs: [TrainedRun], root: URL, content: Content, pool: ThreadPool) throws {
        precondition(!runs.isEmpty, "no runs to show")
        let first = runs[0].description
        guard let index = first.dataset else {
            throw DatasetError(
                .selection, "runs", "the first one's batches come from a recording",
                remedy: "Show a run that was trained on a data set")
        }
        for run in runs.dropFirst() where run.description.dataset?.validation != index.validation {
            throw DatasetError(
                .selection, "runs", "their validation images differ",
                remedy: "Show runs of one data set and one validation list")
        }
        dataset = try VOCDataset(DatasetOptions(first.configuration, root: root), index: index)
        predictors = try runs.map { run in
            try RunPredictor(
                run.description.configuration, classCount: run.description.classNames.count,
                parameters: run.allParameters(), pool: pool)
        }
        self.content = content
        var columns = content == .all ? ["input", "truth"] : []
        if predictors[0].hasAncillary { columns.append("ancillary") }
        if predictors[0].corrects { columns.append("corrected") }
        self.columns = columns + runs.map { $0.description.configuration.method.rawValue }
    }

    /// The sheet of `imageCount` validation images spread evenly over their list, or of all of them.
    ///
    /// Throws `DatasetError` where one is missing or damaged.
    public func picture(imageCount: Int) throws -> RGBImage {
        precondition(imageCount > 0, "\(imageCount) images")
        let count = dataset.count(of: .validation)
        guard count > 0 else {
            throw DatasetError(
                .emptyList, "data.validation", "the list has no image",
                remedy: "Show a run whose validation list has images")
        }
        let shown = min(imageCount, count)
        let rows = try (0..<shown).map { position in
            row(try dataset.sample(split: .validation, index: position * count / shown))
        }
        let cell = PixelSize(
            height: rows.map { $0[0].size.height }.max() ?? 0,
            width: rows.map { $0[0].size.width }.max() ?? 0)
        return Overlay.stacked(
            rows.map { row in Overlay.sideBySide(row.map { Overlay.extended($0, to: cell) }) })
    }

    private func row(_ sample: Sample) -> [RGBImage] {
        let labellings = predictors.map { $0.labelling(of: sample) }
        let predicted =
            [labellings[0].ancillary, labellings[0].corrected] + labellings.map(\.primary)
        switch content {
        case .all:
            return [Overlay.outline(sample.boxes, on: sample.image)]
                + ([sample.labels] + predicted).compactMap { $0.map(Overlay.colours) }
        case .predictions: return predicted.compactMap { $0.map(Overlay.colours) }
        }
    }
}
