import Checkpoints
import Configurations
import Datasets
import Foundation
import Roles
import Telemetry
import Training

/// What a finished run came to: the line of `emend train --json`, also in `result.json`.
struct RunResult {
    private struct Line: Codable {
        var method: String
        var steps: Int
        var seed: UInt64
        var parametersSHA256: String
        var optimizerSHA256: String
        var meanIoU: Double?
        var meanIoUPresent: Double?
        var classIoU: [String: Double?]?
        var ancillaryMeanIoU: Double?
        var ancillaryMeanIoUPresent: Double?
        var ancillaryClassIoU: [String: Double?]?
        var imagesPerSecond: Double
        var run: String

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

        /// Absent scores are told as null.
        func encode(to encoder: any Encoder) throws {
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
        let text = try jsonLine(line(primary, ancillary))
        try Data((text + "\n").utf8).write(
            to: URL(fileURLWithPath: directory.resultFile), options: .atomic)
        guard !json else {
            print(text)
            return
        }
        let columns = [("ancillary", ancillary), ("primary", primary)]
            .compactMap { title, scores in scores.map { (title: title, scores: $0) } }
        if !columns.isEmpty {
            print(ScoreTable(columns: columns, classNames: description.classNames).text)
        }
        print("parameters_sha256 \(run.checkpoint.manifest.parametersSHA256)")
        print("run \(directory.path)")
    }

    private func line(_ primary: ModelScores?, _ ancillary: ModelScores?) throws -> Line {
        Line(
            method: description.configuration.method.rawValue,
            steps: run.checkpoint.manifest.step, seed: description.configuration.seed,
            parametersSHA256: run.checkpoint.manifest.parametersSHA256,
            optimizerSHA256: try run.checkpoint.optimizerSHA256(), meanIoU: primary?.meanIoU,
            meanIoUPresent: primary?.meanIoUPresent, classIoU: primary?.classIoU,
            ancillaryMeanIoU: ancillary?.meanIoU,
            ancillaryMeanIoUPresent: ancillary?.meanIoUPresent,
            ancillaryClassIoU: ancillary?.classIoU, imagesPerSecond: display.imagesPerSecond,
            run: directory.path)
    }
}
