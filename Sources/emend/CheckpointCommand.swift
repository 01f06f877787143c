import ArgumentParser
import Checkpoints
import Configurations
import Foundation
import Roles

/// `emend checkpoint list|verify|prune`: a run's checkpoints.
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "List, verify or prune a run's checkpoints.",
        subcommands: [List.self, Verify.self, Prune.self])

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

    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a run's old checkpoints.",
            discussion: """
                The newest, the best and one that is being judged stay. Nothing is deleted unless \
                one of those that stay has been read and found whole (else exit 65), nor while \
                the run is being trained (exit 73).
                """)

        @Argument(help: ArgumentHelp("The run's directory.", valueName: "run"))
        var runPath: String
        @Option(help: "How many of the newest stay; as configured where it is left out.")
        var keep: Int?
        @Flag(help: "One line of JSON.") var json = false

        func validate() throws {
            if let keep, keep < 1 { throw ValidationError("--keep is at least 1, not \(keep)") }
        }

        func run() throws {
            try reportingErrors {
                let directory = try RunDirectory(runPath).checkpoints()
                let lock = try RunLock(run: runPath)
                defer { withExtendedLifetime(lock) {} }
                guard let newest = try directory.steps().last else {
                    throw CheckpointError(
                        .missing, file: directory.path, "there is no complete checkpoint")
                }
                let keep = try self.keep ?? configuredCount(directory.path(of: newest))
                guard case .deleted(let steps) = try directory.prune(keep: keep) else {
                    throw CheckpointError(
                        .corrupt, file: directory.path,
                        "none of the checkpoints that would stay verifies, so nothing was deleted; "
                            + "see emend checkpoint verify, or give a larger --keep")
                }
                try report(deleted: steps, kept: directory.steps())
            }
        }

        private func configuredCount(_ checkpoint: String) throws -> Int {
            let text = try Checkpoint(directory: checkpoint).manifest.configuration
            let line = text.prefix { !$0.isNewline }
            return try Configuration(canonicalJSON: String(line)).checkpoint.keep
        }

        private func report(deleted: [Int], kept: [Int]) throws {
            struct Result: Encodable {
                var deleted: [Int]
                var kept: [Int]
            }
            guard !json else { return print(try jsonLine(Result(deleted: deleted, kept: kept))) }
            func list(_ steps: [Int]) -> String {
                steps.isEmpty ? "none" : steps.map(String.init).joined(separator: ", ")
            }
            print("deleted: \(list(deleted))\nkept: \(list(kept))")
        }
    }
}
