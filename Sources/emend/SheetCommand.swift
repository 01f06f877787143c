import ArgumentParser
import Datasets
import Foundation
import Roles

/// `emend sheet`: what models make of images, side by side.
struct Sheet: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw validation images and what runs make of them as one PNG to look at.",
        discussion: """
            A row for each image: the input with its boxes, the truth, the labels of the first \
            run's ancillary model and of its correction as it ended, then the primary model of \
            each run. Classes have the colours of Pascal VOC.
            """)

    @Argument(help: ArgumentHelp("Directories of runs on one data set.", valueName: "run"))
    var runs: [String]
    @Option(help: "Folder of the data set.") var data: String
    @Option(help: "The PNG to write.") var output: String
    @Option(help: "Validation images, spread evenly over the list.") var images = 8
    @Option(help: "Columns: all, or the predictions alone, without pictures of the data set.")
    var columns: PredictionSheet.Content = .all
    @OptionGroup var selection: CheckpointSelection
    @OptionGroup var compute: ComputeSelection
    @Flag(help: "One line of JSON.") var json = false

    struct Result: Encodable {
        var sheet: String
        var columns: [String]
    }

    func validate() throws {
        if runs.isEmpty { throw ValidationError("name at least one run's directory") }
        if images < 1 { throw ValidationError("--images must be at least 1, not \(images)") }
    }

    func run() throws {
        try reportingErrors {
            let trained = try runs.map {
                try TrainedRun(run: RunDirectory($0), try selection.choice)
            }
            let sheet = try PredictionSheet(
                trained, root: URL(fileURLWithPath: data), content: columns, pool: compute.pool())
            try OutputFile.write(
                PNG.encode(try sheet.picture(imageCount: images)), to: output)
            print(
                json
                    ? try jsonLine(Result(sheet: output, columns: sheet.columns))
                    : "\(output): \(sheet.columns.joined(separator: " | "))")
        }
    }
}

extension PredictionSheet.Content: ExpressibleByArgument {}
