import Configurations
import Datasets
import Foundation
import Training

/// Where a run's batches come from: a data set below a root folder, or a recording.
enum BatchSources {
    /// Opens the source of a described run; the root is each process's own option.
    ///
    /// Throws `DatasetError` or `TrainingError.recording`, naming the file.
    static func open(_ description: RunDescription, root: URL?) throws -> any BatchSource {
        if let recording = description.configuration.data.recording {
            return try RecordedBatches(
                path: recording, classNames: description.classNames,
                schedule: TrainingSchedule(description.configuration))
        }
        guard let index = description.dataset else {
            throw RoleError.description("it names neither a data set nor a recording")
        }
        let options = try DatasetOptions(
            description.configuration, root: root ?? URL(fileURLWithPath: "."))
        return try VOCDataset(options, index: index)
    }

}

extension RunDescription {
    /// Reads every file of the data set once: what a run's description says of its data, and what was
    /// put right.
    ///
    /// Throws `DatasetError` or `TrainingError.recording`, naming the file.
    public static func open(_ configuration: Configuration, root: URL?) throws
        -> (description: RunDescription, warnings: [String])
    {
        if let recording = configuration.data.recording {
            let classNames = try RecordedBatches.classNames(path: recording)
            return (
                RunDescription(
                    configuration: configuration, dataset: nil, classNames: classNames), []
            )
        }
        let options = try DatasetOptions(configuration, root: root ?? URL(fileURLWithPath: "."))
        let dataset = try VOCDataset(options)
        return (
            RunDescription(
                configuration: configuration, dataset: dataset.index,
                classNames: dataset.classNames),
            dataset.warnings.map(\.description)
                + dataset.index.substitutions.map {
                    "\($0.damaged) is damaged, and \($0.substitute) stands in for it: \($0.reason)"
                }
        )
    }
}

extension DatasetOptions {
    /// What a configuration says of its data; `root` is each process's own option.
    public init(_ configuration: Configuration, root: URL) throws {
        let data = configuration.data
        let boxes: BoxSource
        switch data.boxes {
        case "xml": boxes = .annotations
        case "masks": boxes = .masks
        default:
            precondition(data.boxes.hasPrefix("coco:"), "data.boxes is \(data.boxes)")
            boxes = .coco(String(data.boxes.dropFirst("coco:".count)))
        }
        self.init(
            root: root.path, labelled: data.labelled, weak: data.weak,
            supervised: data.supervised, splitSeed: data.splitSeed,
            validation: data.validation, maskAccess: data.pool == .all ? .all : .labelled,
            boxes: boxes, badFile: data.badFile == .stop ? .stop : .substitute,
            seed: configuration.seed, scales: data.scales, flip: data.flip ? .half : .never)
    }
}
