import ArgumentParser
import Configurations
import Foundation
import Roles

/// `emend`: trains self-correcting segmentation networks and looks after what came of it.
@main
struct Emend: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emend",
        abstract: "Train segmentation networks from a few masks and many boxes, on any cluster.",
        discussion: """
            Results go to standard output (--json for machines), logs and progress to standard \
            error. Exit codes are those of sysexits.h: 64 command line, 65 bad data, 66 input \
            missing, 69 peer unavailable, 73 cannot create, 74 input or output failed, \
            78 configuration, 143 stopped.
            """,
        version: BuildIdentity.text,
        subcommands: [
            Train.self, Status.self, Scale.self, Verify.self, Evaluate.self, Predict.self,
            Compare.self, Sheet.self, DatasetCommand.self, Bench.self, Simulate.self,
            CheckpointCommand.self, ConfigurationCommand.self,
        ])
}

extension ParsableCommand {
    /// Runs a command's body; an error is told in a sentence and becomes its exit code.
    func reportingErrors(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as ArgumentParser.ExitCode {
            throw error
        } catch {
            StandardError.write("emend: \(error)\n")
            throw ArgumentParser.ExitCode(Configurations.ExitCode(for: error).rawValue)
        }
    }
}

/// Where logs, progress and errors go.
enum StandardError {
    static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}

/// Encodes a result as one line of JSON with sorted keys.
func jsonLine(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
