import Foundation
import Testing

extension EndToEnd {
    @Suite("A run's directory is used again")
    struct Resumes {
        private static let training = TinyRun(
            workers: 2, servers: 2,
            overrides: ["checkpoint.every=2", "checkpoint.keep=2", "evaluate.every=2"])

        private func emend(_ run: String, _ options: [String], keys: [String] = training.keys)
            throws -> EndedProgram
        {
            try Programs.emend(
                ["train", "--data", SyntheticData.shared().root, "--json"] + options + keys)
        }

        @Test("A finished run is reported, not repeated", arguments: ["auto", "path"])
        func finished(choice: String) throws {
            let folder = try ScratchFolder()
            let run = try FinishedRun.copy(to: folder)
            let files = ["metrics.jsonl", "journal.jsonl", "result.json", "logs/coordinator.log"]
            func contents() -> [Data?] {
                files.map { FileManager.default.contents(atPath: "\(run)/\($0)") }
            }
            let before = contents()
            let options =
                choice == "auto" ? ["--run", run, "--resume", "auto"] : ["--resume", run]
            let ended = try emend(run, options)
            #expect(ended.code == 0, "\(ended)")
            #expect(try RunResult(line: ended.lastLine).bits == FinishedRun.result().bits)
            #expect(ended.errors.contains("is finished already"), "\(ended)")
            #expect(contents() == before)
        }

        @Test("Its table is the one that the run ended with")
        func table() throws {
            let ended = try Programs.emend(["train", "--resume", FinishedRun.path()])
            #expect(ended.code == 0, "\(ended)")
            #expect(ended.output.contains("mean (present)"), "\(ended)")
            let hash = try FinishedRun.result().parametersSHA256
            #expect(ended.output.contains("parameters_sha256 \(hash)\n"), "\(ended)")
        }

        @Test("Another configuration is refused with 78, naming each key and both values")
        func otherConfiguration() throws {
            let folder = try ScratchFolder()
            let run = try FinishedRun.copy(to: folder)
            let ended = try emend(
                run, ["--run", run, "--resume", "auto"],
                keys: ["seed=3", "optimizer.momentum=0.5", "method=linear"])
            #expect(ended.code == 78 && ended.output == "", "\(ended)")
            #expect(ended.errors.contains("seed: the run in \(run) has 0, not 3"), "\(ended)")
            #expect(ended.errors.contains("optimizer.momentum: "), "\(ended)")
            #expect(!ended.errors.contains("method: "), "\(ended)")
        }

        @Test("--resume auto begins a run where there is none, and needs no --run")
        func autoIsNew() throws {
            let folder = try ScratchFolder()
            let ended = try emend(
                folder.path("run"), ["--run", folder.path("run"), "--resume", "auto"])
            #expect(ended.code == 0, "\(ended)")
            #expect(try RunResult(line: ended.lastLine).bits == FinishedRun.result().bits)
        }

        @Test("A directory without a run cannot be continued by name")
        func nothingThere() throws {
            let folder = try ScratchFolder()
            let ended = try emend(folder.root, ["--resume", folder.root])
            #expect(ended.code == 66, "\(ended)")
            #expect(ended.errors.contains("run.json"), "\(ended)")
        }

        @Test("Two directories are one too many")
        func twoDirectories() throws {
            let ended = try emend("a", ["--run", "a", "--resume", "b"])
            #expect(ended.code == 64, "\(ended)")
        }

        @Test("Without --resume a directory that holds a run is refused, and the way on is named")
        func never() throws {
            let folder = try ScratchFolder()
            let run = try FinishedRun.copy(to: folder)
            let ended = try emend(run, ["--run", run])
            #expect(ended.code == 73 && ended.output == "", "\(ended)")
            #expect(ended.errors.contains("--resume auto"), "\(ended)")
        }
    }
}
