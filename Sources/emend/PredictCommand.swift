import ArgumentParser
import Configurations
import Datasets
import Foundation
import Networks
import Roles
import Training

/// `emend predict`: segments images.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Segment images: a palette PNG of class indices and an overlay for each.")

    @Argument(help: ArgumentHelp("The run's directory.", valueName: "run"))
    var runPath: String
    @Argument(help: "JPEG files, or folders of them.") var images: [String]
    @Option(help: "Folder for NAME.png (classes) and NAME-overlay.png.") var output: String
    @OptionGroup var selection: CheckpointSelection
    @OptionGroup var inference: InferenceSelection
    @OptionGroup var compute: ComputeSelection
    @Flag(help: "One JSON object per image.") var json = false

    struct Result: Encodable {
        var image: String
        var labels: String
        var overlay: String
        /// Share of the pixels by class name.
        var shares: [String: Double]
    }

    func run() throws {
        try reportingErrors {
            let files = try imageFiles()
            let trained = try TrainedRun(run: RunDirectory(runPath), try selection.choice)
            let configuration = trained.description.configuration
            let predictor = try Predictor(
                configuration, classCount: trained.description.classNames.count, model: .primary,
                options: try inference.options(configuration),
                pool: compute.pool())
            let parameters = try trained.parameters(of: .primary)
            try FileManager.default.createDirectory(
                atPath: output, withIntermediateDirectories: true)
            for file in files {
                let result = try predict(
                    file, predictor, parameters, trained.description.classNames)
                print(json ? try jsonLine(result) : result.labels)
            }
        }
    }

    private func predict(
        _ file: String, _ predictor: Predictor, _ parameters: FlatBuffers, _ classNames: [String]
    ) throws -> Result {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw DatasetError(
                .missingFile, file, "the file cannot be read", remedy: "Check the path")
        }
        let image = try JPEG.decode([UInt8](data), path: file)
        let name = ((file as NSString).lastPathComponent as NSString).deletingPathExtension
        let labels = predictor.labels(
            of: Sample(name: name, image: image, labels: nil, boxes: []), parameters)
        let result = Result(
            image: file, labels: "\(output)/\(name).png", overlay: "\(output)/\(name)-overlay.png",
            shares: shares(labels, classNames))
        try OutputFile.write(PNG.encode(labels), to: result.labels)
        try OutputFile.write(PNG.encode(Overlay.blend(labels, over: image)), to: result.overlay)
        return result
    }

    private func shares(_ labels: LabelMap, _ classNames: [String]) -> [String: Double] {
        var counts = [Int](repeating: 0, count: 256)
        for label in labels.labels { counts[Int(label)] += 1 }
        let present = classNames.enumerated().filter { counts[$0.offset] > 0 }
        return Dictionary(
            uniqueKeysWithValues: present.map {
                ($0.element, Double(counts[$0.offset]) / Double(labels.labels.count))
            })
    }

    private func imageFiles() throws -> [String] {
        try images.flatMap { path -> [String] in
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw DatasetError(
                    .missingFile, path, "there is no such file or folder", remedy: "Check the path")
            }
            guard isDirectory.boolValue else { return [path] }
            return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
                .filter { ["jpg", "jpeg"].contains(($0 as NSString).pathExtension.lowercased()) }
                .map { "\(path)/\($0)" }
        }
    }
}
