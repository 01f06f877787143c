import Foundation
import Testing

/// A training run that takes seconds: the tiny network, crop 65, ten steps at most.
struct TinyRun {
    var method = "linear"
    /// V, the slots of a step.
    var slots = 3
    var workers = 1
    var servers = 1
    var threads = 1
    /// Level of the kernels.
    var isa = "auto"
    var overrides: [String] = []

    /// The keys that all of these runs share; ten images of the list are F, the others W.
    static let settings = [
        "network.backbone=tiny", "network.asppChannels=32", "network.lowLevelChannels=16",
        "network.decoderChannels=32", "corrector.channels=16", "data.crop=65",
        "data.supervised=10", "slots.batch=2", "slots.labelled=1", "phases.ancillary.steps=3",
        "phases.warmup.steps=3", "phases.main.steps=4", "optimizer.learningRate=0.01",
    ]

    /// The keys of this run.
    var keys: [String] {
        ["method=\(method)", "slots.count=\(slots)"] + Self.settings + overrides
    }

    func arguments(data: String, run: String) -> [String] {
        [
            "train", "--data", data, "--run", run, "--workers", "\(workers)", "--servers",
            "\(servers)", "--threads", "\(threads)", "--isa", isa, "--progress", "plain", "--json",
        ] + keys
    }

    /// Trains to the end, whatever that is.
    func attempt(data: String, run: String) throws -> EndedProgram {
        try Programs.emend(arguments(data: data, run: run))
    }

    /// Trains successfully.
    func result(data: String, run: String) throws -> RunResult {
        let ended = try attempt(data: data, run: run)
        try #require(ended.code == 0, "\(ended)")
        return try RunResult(line: ended.lastLine)
    }

    /// Trains on the undamaged data in a folder that is gone afterwards.
    func result() throws -> RunResult {
        let folder = try ScratchFolder()
        return try result(data: SyntheticData.shared().root, run: folder.path("run"))
    }
}

/// The line with which `emend train --json` ends.
struct RunResult: Decodable {
    var method: String
    var steps: Int
    var parametersSHA256: String
    var optimizerSHA256: String
    var meanIoU: Double?
    var ancillaryMeanIoU: Double?
    var run: String

    enum CodingKeys: String, CodingKey {
        case method, steps, run
        case parametersSHA256 = "parameters_sha256"
        case optimizerSHA256 = "optimizer_sha256"
        case meanIoU = "mean_iou"
        case ancillaryMeanIoU = "ancillary_mean_iou"
    }

    init(line: String) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(line.utf8))
    }

    /// What must be equal whatever machines took part.
    var bits: String { parametersSHA256 + " " + optimizerSHA256 }
}

/// A line of `metrics.jsonl`.
struct StepLine: Decodable {
    var step: Int
    var phase: String
    var decision: String
    var losses: [String: Double]
    var images: Int
    var workers: Int
    var elapsedSeconds: Double
    /// Absent where the step was skipped.
    var maximumAbsoluteGradient: Double?

    enum CodingKeys: String, CodingKey {
        case step, phase, decision, losses, images, workers
        case elapsedSeconds = "elapsed_s"
        case maximumAbsoluteGradient = "maximum_absolute_gradient"
    }

    static func all(ofRun run: String) throws -> [StepLine] {
        try SyntheticData.lines(of: run + "/metrics.jsonl").map {
            try JSONDecoder().decode(StepLine.self, from: Data($0.utf8))
        }
    }
}

/// Suites that start processes run one test at a time: their deadlines are those of a quiet machine.
@Suite("The whole system", .serialized)
struct EndToEnd {}
