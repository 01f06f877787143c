import ArgumentParser
import Configurations
import Datasets
import Foundation
import Roles

/// `emend dataset check|synthesize`: checks a data set or makes one.
struct DatasetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataset", abstract: "Check a data set, or make one.",
        subcommands: [Check.self, Synthesize.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read every file of a data set and report what is wrong; exit 65 on errors.")

        @Option(help: "Folder in Pascal VOC layout.") var data: String
        @Option(help: "A YAML configuration that says which lists are F, W and validation.")
        var config: String?
        @Flag(help: "One JSON object.") var json = false
        @Argument(help: "Values to override, as key.path=value.") var overrides: [String] = []

        func run() throws {
            try reportingErrors {
                let resolved = try ResolvedConfiguration(file: config, overrides: overrides)
                let options = try DatasetOptions(
                    resolved.configuration, root: URL(fileURLWithPath: data))
                let report = try DatasetCheck.run(options)
                print(json ? report.json : report.text)
                if !report.isUsable {
                    throw ArgumentParser.ExitCode(Configurations.ExitCode.dataError.rawValue)
                }
            }
        }
    }

    struct Synthesize: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a synthetic data set of textured shapes in Pascal VOC layout.")

        @Option(help: "Folder to write; it must not exist or be empty.") var output: String
        @Option(help: "Training images.") var training = 200
        @Option(help: "Validation images.") var validation = 60
        @Option(help: "Width and height of an image in pixels.") var size = 128
        @Option(help: "Classes besides the background.") var classes = 5
        @Option(help: "Seed; equal seeds give equal files.") var seed: UInt64 = 0
        @Option(help: "easy, medium or hard.") var difficulty = SyntheticDifficulty.medium

        func run() throws {
            try reportingErrors {
                try Synthesis.write(
                    SynthesisOptions(
                        seed: seed, trainingCount: training, validationCount: validation,
                        size: PixelSize(height: size, width: size), classCount: classes,
                        difficulty: difficulty), to: output)
                print("\(output): \(training) training and \(validation) validation images")
            }
        }
    }
}

extension SyntheticDifficulty: ExpressibleByArgument {}
