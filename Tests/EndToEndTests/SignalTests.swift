import Foundation
import Testing

extension EndToEnd {
    @Suite("A signal is served in every phase of a run")
    struct Signals {
        /// A file that whoever opens it waits for.
        private static func makePipe(_ path: String) throws {
            try? FileManager.default.removeItem(atPath: path)
            try #require(mkfifo(path, 0o644) == 0)
        }

        private func nobodyIsLeft(_ run: String) throws {
            try eventually("all processes are gone", withinSeconds: 5) {
                try ProcessTable.entries(mentioning: run).isEmpty
            }
        }

        @Test("While the data set is read", arguments: [SIGTERM, SIGINT, SIGHUP])
        func preparing(signal: Int32) throws {
            let data = try SyntheticData.copy()
            let folder = try ScratchFolder()
            let run = folder.path("run")
            try Self.makePipe(data.image("val_0000"))
            let launcher = try RunningProgram(
                "emend", TinyRun().arguments(data: data.root, run: run))
            // The lock is the last thing before the data set.
            try eventually("the launcher holds the directory") {
                FileManager.default.fileExists(atPath: run + "/launcher.lock")
            }
            launcher.signal(signal)
            let ended = try launcher.end(withinSeconds: 5)
            #expect(ended.code == 128 + signal && ended.output == "", "\(ended)")
        }

        @Test("Before the coordinator listens", arguments: [SIGTERM, SIGINT])
        func beforeTheEndpoint(signal: Int32) throws {
            let sabotaged = try SabotagedRun(
                TinyRun(), replacing: "emend-coordinator",
                with: "touch $marks/begun; exec sleep 600")
            try eventually("the coordinator has begun") { sabotaged.hasMark("begun") }
            sabotaged.launcher.signal(signal)
            let ended = try sabotaged.launcher.end(withinSeconds: 10)
            #expect(ended.code == 128 + signal && ended.output == "", "\(ended)")
            try nobodyIsLeft(sabotaged.run)
        }

        @Test("While the run waits for a worker")
        func gathering() throws {
            let sabotaged = try SabotagedRun(
                TinyRun(), replacing: "emend-worker", with: "exec sleep 600")
            try eventually("the server has joined") {
                sabotaged.log("coordinator").contains("server 1 joined")
            }
            sabotaged.launcher.signal(SIGTERM)
            let ended = try sabotaged.launcher.end(withinSeconds: 30)
            #expect(ended.code == 143 && ended.output == "", "\(ended)")
            #expect(sabotaged.log("coordinator").contains("stopped on request"))
            try nobodyIsLeft(sabotaged.run)
        }

        @Test("While a coordinator that died is starting again")
        func restartingCoordinator() throws {
            let sabotaged = try SabotagedRun(
                TinyRun(overrides: ["phases.main.steps=1000000"]),
                replacing: "emend-coordinator",
                with: "[ -e $marks/once ] && { touch $marks/twice; exec sleep 600; }\n"
                    + "touch $marks/once; exec $real \"$@\"")
            try eventually("training goes on") {
                FileManager.default.fileExists(atPath: sabotaged.run + "/metrics.jsonl")
            }
            let coordinator = try #require(
                sabotaged.children().first { $0.program == "emend-coordinator" })
            kill(coordinator.processIdentifier, SIGKILL)
            try eventually("the coordinator has begun again") { sabotaged.hasMark("twice") }
            sabotaged.launcher.signal(SIGTERM)
            let ended = try sabotaged.launcher.end(withinSeconds: 30)
            #expect(ended.code == 143 && ended.output == "", "\(ended)")
            try nobodyIsLeft(sabotaged.run)
        }

        @Test("While the finished model is judged; --resume then writes the result, and no step")
        func finishing() throws {
            let data = try SyntheticData.copy()
            let folder = try ScratchFolder()
            let run = folder.path("run")
            let image = data.image("val_0000")
            let bytes = try Data(contentsOf: URL(fileURLWithPath: image))
            let launcher = try RunningProgram(
                "emend", TinyRun().arguments(data: data.root, run: run))
            // Workers read no image of the validation list.
            try eventually("the run has begun") {
                FileManager.default.fileExists(atPath: run + "/run.json")
            }
            try Self.makePipe(image)
            try eventually("the model is written; \(launcher.errors)") {
                FileManager.default.fileExists(atPath: run + "/model.safetensors")
            }
            launcher.signal(SIGTERM)
            let ended = try launcher.end(withinSeconds: 5)
            #expect(ended.code == 143 && ended.output == "", "\(ended)")
            try FileManager.default.removeItem(atPath: image)
            try bytes.write(to: URL(fileURLWithPath: image))
            let metrics = FileManager.default.contents(atPath: run + "/metrics.jsonl")
            let resumed = try Programs.emend(
                TinyRun().arguments(data: data.root, run: run) + ["--resume", "auto"])
            try #require(resumed.code == 0, "\(resumed)")
            #expect(try RunResult(line: resumed.lastLine).bits == FinishedRun.result().bits)
            #expect(FileManager.default.contents(atPath: run + "/metrics.jsonl") == metrics)
        }

        @Test("A second signal ends everything within a second", arguments: [SIGTERM, SIGINT])
        func second(signal: Int32) throws {
            // A coordinator that takes its time.
            let sabotaged = try SabotagedRun(
                TinyRun(), replacing: "emend-coordinator",
                with: "trap 'touch $marks/asked' TERM; mkfifo $marks/pipe; touch $marks/begun\n"
                    + "while :; do read line <>$marks/pipe; done")
            try eventually("the coordinator has begun") { sabotaged.hasMark("begun") }
            sabotaged.launcher.signal(signal)
            try eventually("the coordinator is asked to stop") { sabotaged.hasMark("asked") }
            sabotaged.launcher.signal(signal)
            let ended = try sabotaged.launcher.end(withinSeconds: 1)
            #expect(ended.code == 128 + signal && ended.output == "", "\(ended)")
            try nobodyIsLeft(sabotaged.run)
        }

        @Test("A second signal during training ends everything within a second")
        func secondWhileTraining() throws {
            let run = try EndlessRun()
            try run.reach(step: 4)
            run.launcher.signal(SIGINT)
            run.launcher.signal(SIGTERM)
            let ended = try run.launcher.end(withinSeconds: 1)
            #expect([130, 143].contains(ended.code), "\(ended)")
            try nobodyIsLeft(run.run)
        }

        @Test(
            "A coordinator that is asked to stop stops the run, as if the launcher had been asked")
        func coordinatorAsked() throws {
            let run = try EndlessRun()
            try run.reach(step: 4)
            kill(try run.child("emend-coordinator").processIdentifier, SIGTERM)
            let ended = try run.launcher.end(withinSeconds: 60)
            #expect(ended.code == 143 && ended.output == "", "\(ended)")
            let committed = try StepLine.all(ofRun: run.run).count
            #expect(try FinishedRun.checkpointSteps(run.run).last == committed)
        }
    }
}
