import ArgumentParser
import Checkpoints
import Configurations
import Datasets
import Foundation
import Networks
import Roles
import Training

/// Which checkpoint of a run a command works on.
struct CheckpointSelection: ParsableArguments {
    @Option(help: "newest, best, or a step's number.") var checkpoint = "newest"

    var choice: TrainedRun.Choice {
        get throws {
            switch checkpoint {
            case "newest": .newest
            case "best": .best
            default:
                if let step = Int(checkpoint) {
                    .step(step)
                } else {
                    throw ValidationError(
                        "--checkpoint takes newest, best or a step's number, not \(checkpoint)")
                }
            }
        }
    }

    func validate() throws { _ = try choice }
}

/// How a command segments images.
struct InferenceSelection: ParsableArguments {
    @Option(parsing: .upToNextOption, help: "Scales to average over; 1 is the image's own size.")
    var scales: [Double] = []
    @Flag(help: "Also judge each image mirrored.") var flip = false
    @Option(help: "16 or 8; the run's own by default.") var outputStride: Int?

    func options(_ configuration: Configuration) throws -> InferenceOptions {
        var configuration = configuration
        if !scales.isEmpty { configuration.evaluate.scales = scales }
        if flip { configuration.evaluate.flip = true }
        if let outputStride { configuration.evaluate.outputStride = outputStride }
        return try InferenceOptions(configuration)
    }

    func validate() throws {
        if let outputStride, outputStride != 8, outputStride != 16 {
            throw ValidationError("--output-stride takes 16 or 8, not \(outputStride)")
        }
    }
}

/// `emend evaluate`: measures a model on a list of images.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a run's model on its validation list, by the paper's protocol.")

    @Argument(help: ArgumentHelp("The run's directory.", valueName: "run"))
    var runPath: String
    @Option(help: "Folder of the data set.") var data: String = "."
    @Option(help: "Another list of labelled images than the run's validation list.")
    var list: String?
    @OptionGroup var selection: CheckpointSelection
    @OptionGroup var inference: InferenceSelection
    @Flag(help: "Judge the ancillary model, which sees the boxes.") var ancillary = false
    @OptionGroup var compute: ComputeSelection
    @Flag(help: "One line of JSON.") var json = false

    struct Result: Encodable {
        var meanIoU: Double
        var meanIoUPresent: Double
        var classIoU: [String: Double?]
        var images: Int
        var step: Int
        var model: String
        var run: String

        enum CodingKeys: String, CodingKey {
            case meanIoU = "mean_iou"
            case meanIoUPresent = "mean_iou_present"
            case classIoU = "class_iou"
            case images, step, model, run
        }
    }

    func run() throws {
        try reportingErrors {
            let trained = try TrainedRun(run: RunDirectory(runPath), try selection.choice)
            let model: SegmentationModel = ancillary ? .ancillary : .primary
            let judgement = try judgement(of: trained)
            let scores = try judgement.scores(model, try trained.parameters(of: model)) {
                if isatty(STDERR_FILENO) != 0 { StandardError.write("\r\($0)/\($1) images") }
            }
            if isatty(STDERR_FILENO) != 0 { StandardError.write("\r") }
            try show(scores, of: trained, model)
        }
    }

    private func judgement(of trained: TrainedRun) throws -> ModelJudgement {
        let root = URL(fileURLWithPath: data)
        let options = try inference.options(trained.description.configuration)
        guard let list else {
            return try ModelJudgement(
                trained.description, root: root, options: options, pool: try compute.pool())
        }
        var configuration = trained.description.configuration
        configuration.data.validation = list
        let dataset = try VOCDataset(try DatasetOptions(configuration, root: root))
        return ModelJudgement(
            trained.description, dataset: dataset, options: options, pool: try compute.pool())
    }

    private func show(_ scores: ModelScores, of trained: TrainedRun, _ model: SegmentationModel)
        throws
    {
        guard json else {
            print(
                ScoreTable(
                    columns: [(model == .primary ? "primary" : "ancillary", scores)],
                    classNames: trained.description.classNames
                ).text)
            return
        }
        print(
            try jsonLine(
                Result(
                    meanIoU: scores.meanIoU, meanIoUPresent: scores.meanIoUPresent,
                    classIoU: scores.classIoU, images: scores.images,
                    step: trained.checkpoint.manifest.step,
                    model: model == .primary ? "primary" : "ancillary", run: runPath)))
    }
}
