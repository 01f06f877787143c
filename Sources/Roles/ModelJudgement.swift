import Configurations
import Datasets
import Foundation
import Networks
import Tensors
import Training

/// What an evaluation of one model gave, in per cent as users quote it.
public struct ModelScores: Codable, Sendable, Equatable {
    /// Over the classes that occur in truth or prediction.
    public var meanIoU: Double
    /// Over the classes that occur in the truth.
    public var meanIoUPresent: Double
    /// By class name; null for a class in neither truth nor prediction.
    public var classIoU: [String: Double?]
    /// Images that were judged; 0 where the scores were read back from a result.
    public var images: Int

    enum CodingKeys: String, CodingKey {
        case meanIoU = "mean_iou"
        case meanIoUPresent = "mean_iou_present"
        case classIoU = "class_iou"
        case images
    }

    init(_ evaluation: Evaluator.Evaluation, classNames: [String]) {
        let confusion = evaluation.confusion
        meanIoU = 100 * (confusion.meanIoU ?? 0)
        meanIoUPresent = 100 * (confusion.meanIoUPresent ?? 0)
        classIoU = Dictionary(
            zip(classNames, confusion.classIoU.map { value in value.map { 100 * $0 } }),
            uniquingKeysWith: { first, _ in first })
        images = evaluation.images
    }

    /// Scores read back from a result; nil where a model was not judged.
    public init?(_ meanIoU: Double?, _ meanIoUPresent: Double?, _ classIoU: [String: Double?]?) {
        guard let meanIoU, let meanIoUPresent, let classIoU else { return nil }
        self.meanIoU = meanIoU
        self.meanIoUPresent = meanIoUPresent
        self.classIoU = classIoU
        images = 0
    }

    /// `mean_iou` and the others as one JSON object, nulls included.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(meanIoU, forKey: .meanIoU)
        try container.encode(meanIoUPresent, forKey: .meanIoUPresent)
        try container.encode(classIoU, forKey: .classIoU)
        try container.encode(images, forKey: .images)
    }
}

/// Evaluates models of a run on a list of its data set.
public struct ModelJudgement {
    private let dataset: VOCDataset
    private let description: RunDescription
    private let options: InferenceOptions
    private let pool: ThreadPool

    /// Opens the run's data set below `root` as its description lists it.
    ///
    /// Throws `DatasetError` where a file is missing or another than in the run.
    public init(
        _ description: RunDescription, root: URL?, options: InferenceOptions, pool: ThreadPool
    ) throws {
        guard let index = description.dataset else {
            throw RoleError.description(
                "its batches come from a recording, without images to judge")
        }
        let data = try DatasetOptions(
            description.configuration, root: root ?? URL(fileURLWithPath: "."))
        self.init(
            description, dataset: try VOCDataset(data, index: index), options: options,
            pool: pool)
    }

    /// Evaluates on a data set that is open already, whose validation list is judged.
    public init(
        _ description: RunDescription, dataset: VOCDataset, options: InferenceOptions,
        pool: ThreadPool
    ) {
        self.description = description
        self.dataset = dataset
        self.options = options
        self.pool = pool
    }

    /// Scores of one model on the validation list.
    public func scores(
        _ model: SegmentationModel, _ parameters: FlatBuffers,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> ModelScores {
        let count = dataset.count(of: .validation)
        guard count > 0 else {
            throw DatasetError(
                .emptyList, description.configuration.data.validation, "the list has no image",
                remedy: "Give data.validation a list with images")
        }
        let predictor = try Predictor(
            description.configuration, classCount: description.classNames.count, model: model,
            options: options, pool: pool)
        let evaluation = try Evaluator(predictor, classCount: description.classNames.count)
            .evaluate(
                count: count, parameters,
                sample: { try dataset.sample(split: .validation, index: $0) },
                progress: { progress($0, count) })
        return ModelScores(evaluation, classNames: description.classNames)
    }
}

extension InferenceOptions {
    /// How a configuration evaluates.
    public init(_ configuration: Configuration) throws {
        let evaluate = configuration.evaluate
        let stride = evaluate.outputStride ?? configuration.network.outputStride
        guard let outputStride = OutputStride(rawValue: stride) else {
            throw TrainingError.schedule("output stride \(stride): give 16 or 8")
        }
        try self.init(
            scales: evaluate.scales, mirroring: evaluate.flip ? .added : .none,
            outputStride: outputStride)
    }
}
