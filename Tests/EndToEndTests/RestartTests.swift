import Foundation
import Testing

extension EndToEnd {
    @Suite("What died is started again")
    struct Restarts {
        @Test("A worker that is killed, five times, costs nothing but time")
        func killedWorker() throws {
            let training = TinyRun(
                slots: 3, workers: 2, servers: 1, overrides: ["phases.main.steps=400"])
            let undisturbed = try training.result()
            let folder = try ScratchFolder()
            let run = folder.path("run")
            let launcher = try RunningProgram(
                "emend", training.arguments(data: SyntheticData.shared().root, run: run))
            var killed: Set<Int32> = []
            for _ in 0..<5 {
                try eventually("another worker has joined; \(launcher.errors)") {
                    let log = try? String(
                        contentsOfFile: run + "/logs/coordinator.log", encoding: .utf8)
                    let joined = try ProcessTable.entries(mentioning: run).first {
                        $0.program == "emend-worker" && !killed.contains($0.processIdentifier)
                            && log?.contains("process \($0.processIdentifier)\n") == true
                    }
                    guard let worker = joined?.processIdentifier else { return false }
                    killed.insert(worker)
                    return kill(worker, SIGKILL) == 0
                }
            }
            let ended = try launcher.end()
            try #require(ended.code == 0, "\(ended)")
            #expect(try RunResult(line: ended.lastLine).bits == undisturbed.bits)
            #expect(ended.errors.contains("ended with signal 9 (Killed); started again"))
            let logs = try ["worker-0", "worker-1"].map {
                try String(contentsOfFile: "\(run)/logs/\($0).log", encoding: .utf8)
            }.joined()
            #expect(logs.contains("start 1,") && logs.contains("start 3,"), "\(logs)")
        }

        @Test(
            "A role that dies three times before it takes part ends the run with its log",
            arguments: ["emend-worker", "emend-server", "emend-coordinator"])
        func cannotStart(program: String) throws {
            let sabotaged = try SabotagedRun(
                TinyRun(), replacing: program, with: "echo I cannot >&2; kill -SEGV $$")
            let ended = try sabotaged.launcher.end()
            let role = program.dropFirst("emend-".count)
            #expect(ended.code == 128 + SIGSEGV, "\(ended)")
            #expect(ended.output == "", "nothing may claim success")
            #expect(ended.errors.contains("3 times in a row before it took part"), "\(ended)")
            #expect(ended.errors.contains("    I cannot"), "\(ended)")
            let log = sabotaged.log(role == "coordinator" ? "coordinator" : "\(role)-0")
            #expect(log.contains("start 3,") && !log.contains("start 4,"), "\(log)")
            #expect(try sabotaged.children().isEmpty)
        }

        @Test("A coordinator that dies before a run has begun begins it at its next start")
        func coordinatorBeforeTheRun() throws {
            let sabotaged = try SabotagedRun(
                TinyRun(), replacing: "emend-coordinator",
                with: "[ -e $marks/died ] && exec $real \"$@\"; touch $marks/died; kill -KILL $$")
            let ended = try sabotaged.launcher.end()
            #expect(ended.code == 0, "\(ended)")
            #expect(ended.errors.contains("coordinator ended with signal 9"), "\(ended)")
            #expect(try RunResult(line: ended.lastLine).bits == FinishedRun.result().bits)
        }

        @Test("With --restart never the first start that fails is the last")
        func never() throws {
            let sabotaged = try SabotagedRun(
                TinyRun(), replacing: "emend-worker", with: "echo I cannot >&2; exit 70",
                options: ["--restart", "never"])
            let ended = try sabotaged.launcher.end()
            #expect(ended.code == 70, "\(ended)")
            #expect(ended.errors.contains("emend: worker-0 ended with exit status 70"), "\(ended)")
            #expect(ended.errors.contains("    I cannot"), "\(ended)")
            #expect(!sabotaged.log("worker-0").contains("start 2,"))
        }

        @Test("A program that is not there ends the run, naming it")
        func missingProgram() throws {
            let sabotaged = try SabotagedRun(
                TinyRun(), replacing: "emend-coordinator",
                with: "rm -f \"$(dirname \"$0\")/emend-server\"; exec $real \"$@\"")
            let ended = try sabotaged.launcher.end()
            #expect(ended.code == 66, "\(ended)")
            #expect(
                ended.errors.contains("emend-server cannot be started: No such file"), "\(ended)")
        }
    }
}
