import Foundation
import Testing

extension EndToEnd {
    @Suite("The launcher looks after its children")
    struct LauncherCare {
        @Test("Nobody survives a launcher that is killed")
        func killedLauncher() throws {
            let run = try EndlessRun()
            try run.reach(step: 4)
            #expect(try run.children().count == 5)
            run.launcher.signal(SIGKILL)
            #expect(try run.launcher.end().code == 128 + SIGKILL)
            try eventually("all children are gone", withinSeconds: 10) {
                try run.children().isEmpty
            }
        }

        @Test(
            "SIGTERM ends a run with 143 and a checkpoint that loads", arguments: [SIGTERM, SIGINT])
        func stopped(signal: Int32) throws {
            let run = try EndlessRun()
            try run.reach(step: 7)
            run.launcher.signal(signal)
            let ended = try run.launcher.end(withinSeconds: 60)
            #expect(ended.code == 128 + signal, "\(ended)")
            #expect(ended.output == "", "nothing may claim success")
            #expect(try run.children().isEmpty)
            let committed = try StepLine.all(ofRun: run.run)
            #expect(committed.map(\.step) == Array(0..<committed.count))
            let verified = try Programs.emend(["checkpoint", "verify", run.run, "--json"])
            #expect(verified.code == 0, "\(verified)")
            #expect(try FinishedRun.checkpointSteps(run.run).last == committed.count)
            let scores = try Programs.emend([
                "evaluate", run.run, "--data", try SyntheticData.shared().root, "--json",
            ])
            #expect(scores.code == 0, "\(scores)")
        }

        @Test(
            "With --restart never the first child that dies is named with its end and its log",
            arguments: ["emend-server", "emend-worker", "emend-coordinator"])
        func deadChild(program: String) throws {
            let run = try EndlessRun(options: ["--restart", "never"])
            try run.reach(step: 4)
            kill(try run.child(program).processIdentifier, SIGKILL)
            let ended = try run.launcher.end(withinSeconds: 60)
            #expect(ended.code == 128 + SIGKILL, "\(ended)")
            #expect(ended.output == "", "nothing may claim success")
            let role = program.dropFirst("emend-".count)
            #expect(ended.errors.contains("emend: \(role)"), "\(ended)")
            #expect(ended.errors.contains("signal 9 (Killed)"), "\(ended)")
            #expect(ended.errors.contains("the last lines of \(run.run)/logs/\(role)"), "\(ended)")
            try eventually("all children are gone", withinSeconds: 10) {
                try run.children().isEmpty
            }
            #expect(try Programs.emend(["checkpoint", "verify", run.run]).code == 0)
        }

        @Test("A child that refuses its task is named with its exit code and its reason")
        func failedChild() throws {
            let folder = try ScratchFolder()
            let ended = try TinyRun(overrides: ["numerics.class=openblas-0123456789abcdef"])
                .attempt(data: SyntheticData.shared().root, run: folder.path("run"))
            #expect(ended.code == 78, "\(ended)")
            #expect(ended.errors.contains("worker-0 ended with exit status 78"), "\(ended)")
            #expect(ended.errors.contains("openblas-0123456789abcdef"), "\(ended)")
        }
    }
}
