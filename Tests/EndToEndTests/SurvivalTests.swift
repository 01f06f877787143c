import Foundation
import Testing

extension EndToEnd {
    @Suite("A run outlives every process")
    struct Survival {
        private static let training = TinyRun(
            slots: 3, workers: 2, servers: 2,
            overrides: ["phases.main.steps=300", "checkpoint.every=20"])
        private static let undisturbed = Result { try training.result().bits }

        /// The training under way, in a directory of its own.
        private final class Run {
            let folder: ScratchFolder
            let launcher: RunningProgram
            var path: String { folder.path("run") }

            init() throws {
                folder = try ScratchFolder()
                launcher = try RunningProgram(
                    "emend",
                    training.arguments(
                        data: SyntheticData.shared().root, run: folder.path("run")))
            }

            var steps: Int { (try? StepLine.all(ofRun: path).count) ?? 0 }

            func reach(step: Int) throws {
                try eventually("step \(step); \(launcher.errors)") { steps > step }
            }

            func processes(_ program: String) throws -> [Int32] {
                try ProcessTable.entries(mentioning: path).filter { $0.program == program }
                    .map(\.processIdentifier).sorted()
            }

            /// The end of a run that nothing has harmed.
            func expectUndisturbed(_ ended: EndedProgram) throws {
                try #require(ended.code == 0, "\(ended)")
                #expect(
                    try RunResult(line: ended.lastLine).bits == Survival.undisturbed.get())
                #expect(try StepLine.all(ofRun: path).map(\.step) == Array(0..<303))
            }
        }

        @Test("kill -9 of the coordinator: it comes back at its address, and nobody else restarts")
        func coordinator() throws {
            let run = try Run()
            try run.reach(step: 30)
            let endpoint = try SyntheticData.lines(of: run.path + "/coordinator.endpoint")
            let members = try run.processes("emend-server") + run.processes("emend-worker")
            for _ in 0..<2 {
                let (step, killed) = try (run.steps, run.processes("emend-coordinator"))
                try #require(killed.count == 1)
                kill(killed[0], SIGKILL)
                try eventually("the run goes on; \(run.launcher.errors)") {
                    try run.steps > step + 20 && run.processes("emend-coordinator") != killed
                }
            }
            #expect(
                try run.processes("emend-server") + run.processes("emend-worker") == members)
            #expect(try SyntheticData.lines(of: run.path + "/coordinator.endpoint") == endpoint)
            try run.expectUndisturbed(run.launcher.end())
        }

        @Test("kill -9 of a server, and of both at once", arguments: [1, 2])
        func servers(count: Int) throws {
            let run = try Run()
            try run.reach(step: 50)
            for server in try run.processes("emend-server").prefix(count) {
                kill(server, SIGKILL)
            }
            let ended = try run.launcher.end()
            #expect(
                ended.errors.components(separatedBy: "(Killed); started again").count == count + 1,
                "\(ended)")
            try run.expectUndisturbed(ended)
        }

        @Test("A stopped run goes on where it stopped, on a cluster of another shape")
        func stopped() throws {
            let run = try Run()
            try run.reach(step: 50)
            run.launcher.signal(SIGTERM)
            #expect(try run.launcher.end().code == 143)
            let metrics = try #require(
                FileManager.default.contents(atPath: run.path + "/metrics.jsonl"))
            var other = Self.training
            (other.workers, other.servers) = (3, 1)
            let resumed = try Programs.emend(
                other.arguments(data: SyntheticData.shared().root, run: run.path)
                    + ["--resume", "auto"])
            // No step is done again.
            let all = FileManager.default.contents(atPath: run.path + "/metrics.jsonl") ?? Data()
            #expect(all.starts(with: metrics))
            try run.expectUndisturbed(resumed)
        }

        @Test("A run whose launcher was killed goes on from its newest checkpoint")
        func killedLauncher() throws {
            let run = try Run()
            try run.reach(step: 50)
            run.launcher.signal(SIGKILL)
            _ = try run.launcher.end()
            try eventually("all children are gone") {
                try ProcessTable.entries(mentioning: run.path).isEmpty
            }
            let resumed = try Programs.emend([
                "train", "--data", SyntheticData.shared().root, "--resume", run.path, "--json",
            ])
            try run.expectUndisturbed(resumed)
        }

        @Test("scale adds workers and lets the youngest leave; the bits stay the same")
        func scale() throws {
            let run = try Run()
            try run.reach(step: 5)
            let first = try run.processes("emend-worker")
            func scale(_ count: Int) throws {
                let ended = try Programs.emend(["scale", run.path, "--workers", "\(count)"])
                try #require(ended.code == 0, "\(ended)")
            }
            try scale(4)
            try eventually("two more workers take part; \(run.launcher.errors)") {
                try StepLine.all(ofRun: run.path).last?.workers == 4
            }
            try scale(1)
            try eventually("one worker is left; \(run.launcher.errors)") {
                try run.processes("emend-worker").count == 1
            }
            #expect(try first.contains(run.processes("emend-worker")[0]))
            let ended = try run.launcher.end()
            #expect(!ended.errors.contains("started again"), "\(ended)")
            try run.expectUndisturbed(ended)
        }
    }
}
