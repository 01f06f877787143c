/// What a finished run came to: the line of `emend train --json`, kept as `result.json`.
///
/// Scores are in per cent, and null for a model that was not trained or could not be judged.
public struct TrainingResult: Codable, Sendable, Equatable {
    /// As in the configuration.
    public var method: String
    /// Commits of all phases.
    public var steps: Int
    /// The configuration's.
    public var seed: UInt64
    /// SHA-256 over all parameters and statistics in list order, float32 little-endian.
    public var parametersSHA256: String
    /// SHA-256 over the optimizer's state, in the same form.
    public var optimizerSHA256: String
    /// Of the primary, over the classes that occur in truth or prediction.
    public var meanIoU: Double?
    /// Of the primary, over the classes that occur in the truth.
    public var meanIoUPresent: Double?
    /// Of the primary, by class name; null for a class in neither truth nor prediction.
    public var classIoU: [String: Double?]?
    /// As `meanIoU`, of the ancillary model.
    public var ancillaryMeanIoU: Double?
    /// As `meanIoUPresent`, of the ancillary model.
    public var ancillaryMeanIoUPresent: Double?
    /// As `classIoU`, of the ancillary model.
    public var ancillaryClassIoU: [String: Double?]?
    /// Training images, from the first committed step to the last.
    public var imagesPerSecond: Double
    /// The run's directory.
    public var run: String

    enum CodingKeys: String, CodingKey {
        case method, steps, seed, run
        case parametersSHA256 = "parameters_sha256"
        case optimizerSHA256 = "optimizer_sha256"
        case meanIoU = "mean_iou"
        case meanIoUPresent = "mean_iou_present"
        case classIoU = "class_iou"
        case ancillaryMeanIoU = "ancillary_mean_iou"
        case ancillaryMeanIoUPresent = "ancillary_mean_iou_present"
        case ancillaryClassIoU = "ancillary_class_iou"
        case imagesPerSecond = "images_per_s"
    }

    /// Joins what is known of a run with the scores of its models.
    public init(
        method: String, steps: Int, seed: UInt64, parametersSHA256: String,
        optimizerSHA256: String, primary: ModelScores?, ancillary: ModelScores?,
        imagesPerSecond: Double, run: String
    ) {
        self.method = method
        self.steps = steps
        self.seed = seed
        self.parametersSHA256 = parametersSHA256
        self.optimizerSHA256 = optimizerSHA256
        meanIoU = primary?.meanIoU
        meanIoUPresent = primary?.meanIoUPresent
        classIoU = primary?.classIoU
        ancillaryMeanIoU = ancillary?.meanIoU
        ancillaryMeanIoUPresent = ancillary?.meanIoUPresent
        ancillaryClassIoU = ancillary?.classIoU
        self.imagesPerSecond = imagesPerSecond
        self.run = run
    }

    /// The scores of the primary model.
    public var primary: ModelScores? { ModelScores(meanIoU, meanIoUPresent, classIoU) }

    /// The scores of the ancillary model.
    public var ancillary: ModelScores? {
        ModelScores(ancillaryMeanIoU, ancillaryMeanIoUPresent, ancillaryClassIoU)
    }

    /// Absent scores are written as null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(method, forKey: .method)
        try container.encode(steps, forKey: .steps)
        try container.encode(seed, forKey: .seed)
        try container.encode(parametersSHA256, forKey: .parametersSHA256)
        try container.encode(optimizerSHA256, forKey: .optimizerSHA256)
        try container.encode(meanIoU, forKey: .meanIoU)
        try container.encode(meanIoUPresent, forKey: .meanIoUPresent)
        try container.encode(classIoU, forKey: .classIoU)
        try container.encode(ancillaryMeanIoU, forKey: .ancillaryMeanIoU)
        try container.encode(ancillaryMeanIoUPresent, forKey: .ancillaryMeanIoUPresent)
        try container.encode(ancillaryClassIoU, forKey: .ancillaryClassIoU)
        try container.encode(imagesPerSecond, forKey: .imagesPerSecond)
        try container.encode(run, forKey: .run)
    }
}
