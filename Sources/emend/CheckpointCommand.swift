import ArgumentParser
import Checkpoints
import Foundation
import Roles

/// `emend checkpoint list|verify`: a run's checkpoints.
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "List or verify a run's checkpoints.",
        subcommands: [List.self, Verify.self])

    struct Row: Encodable {
        var step: Int
        var phase: String
        var parametersSHA256: String
        var optimizerSHA256: String?
        var files: Int
        var byteCount: Int
        var best: Bool
        var verified: Bool?
        var problem: String?

        enum CodingKeys: String, CodingKey {
            case step, phase, files, best, verified, problem
            case parametersSHA256 = "parameters_sha256"
            case optimizerSHA256 = "optimizer_sha256"
            case byteCount = "byte_count"
        }

        init(_ checkpoint: Checkpoint, best: Bool) {
            step = checkpoint.manifest.step
            phase = checkpoint.manifest.phase
            parametersSHA256 = checkpoint.manifest.parametersSHA256
            files = checkpoint.manifest.shards.count
            byteCount = checkpoint.manifest.shards.reduce(0) { $0 + $1.byteCount }
            self.best = best
        }

        var text: String {
            let state = verified.map { $0 ? "  verified" : "  DAMAGED: \(problem ?? "")" } ?? ""
            return "\(step)\t\(phase)\t\(byteCount) bytes in \(files) files\t"
                + "\(parametersSHA256.prefix(16))…\(best ? "  best" : "")\(state)"
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a run's complete checkpoints, oldest first.")

        @Argument(help: ArgumentHelp("The run's directory.", valueName: "run"))
        var runPath: String
        @Flag(help: "One JSON object per line.") var json = false

        func run() throws {
            try reportingErrors {
                let directory = try RunDirectory(runPath).checkpoints()
                let best = try directory.best()?.step
                for step in try directory.steps() {
                    let checkpoint = try Checkpoint(directory: directory.path(of: step))
                    let row = Row(checkpoint, best: step == best)
                    print(json ? try jsonLine(row) : row.text)
                }
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a run's checkpoints whole and check every hash; exit 65 on damage.")

        @Argument(help: ArgumentHelp("The run's directory.", valueName: "run"))
        var runPath: String
        @Option(help: "Verify this step's checkpoint alone.") var step: Int?
        @Flag(help: "One JSON object per line.") var json = false

        func run() throws {
            try reportingErrors {
                let directory = try RunDirectory(runPath).checkpoints()
                let steps = try step.map { [$0] } ?? directory.steps()
                guard !steps.isEmpty else {
                    throw CheckpointError(
                        .missing, file: directory.path, "there is no complete checkpoint")
                }
                let best = try directory.best()?.step
                var firstDamage: CheckpointError?
                for step in steps {
                    do throws(CheckpointError) {
                        let checkpoint = try directory.open(step: step)
                        var row = Row(checkpoint, best: step == best)
                        row.optimizerSHA256 = try checkpoint.optimizerSHA256()
                        row.verified = true
                        emit(row)
                    } catch {
                        firstDamage = firstDamage ?? error
                        StandardError.write("emend: checkpoint \(step): \(error)\n")
                    }
                }
                if let firstDamage { throw firstDamage }
            }
        }

        private func emit(_ row: Row) {
            print(json ? (try? jsonLine(row)) ?? "" : row.text)
        }
    }
}
