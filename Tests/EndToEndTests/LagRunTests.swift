import Foundation
import Testing

extension EndToEnd {
    @Suite("Steps that read older versions end with the same bits, whatever happens")
    struct LagRuns {
        private static func training(_ consistency: String) -> TinyRun {
            TinyRun(
                slots: 3, workers: 2, servers: 2,
                overrides: [
                    "protocol.consistency=\(consistency)", "phases.main.steps=150",
                    "checkpoint.every=10",
                ])
        }

        @Test("Two clusters of different shape agree", arguments: ["lag:1", "lag:2"])
        func shapes(consistency: String) throws {
            let keys = ["protocol.consistency=\(consistency)"]
            let one = TinyRun(method: "convolutional", slots: 4, overrides: keys)
            let other = TinyRun(
                method: "convolutional", slots: 4, workers: 3, servers: 2, threads: 2,
                overrides: keys)
            let bits = try one.result().bits
            #expect(try other.result().bits == bits)
            let synchronous = TinyRun(method: "convolutional", slots: 4)
            #expect(try synchronous.result().bits != bits)
        }

        @Test(
            "Killed processes, a roll-back and a resumed run change nothing",
            arguments: ["lag:1", "lag:2"])
        func disturbed(consistency: String) throws {
            let data = try SyntheticData.shared().root
            var training = Self.training(consistency)
            let undisturbed = try training.result().bits
            let folder = try ScratchFolder()
            let run = folder.path("run")
            let launcher = try RunningProgram("emend", training.arguments(data: data, run: run))
            func reach(step: Int) throws {
                try eventually("step \(step); \(launcher.errors)") {
                    (try? StepLine.all(ofRun: run).count) ?? 0 > step
                }
            }
            for (step, program, count) in [
                (15, "emend-worker", 1), (35, "emend-server", 1), (60, "emend-server", 2),
            ] {
                try reach(step: step)
                let processes = try ProcessTable.entries(mentioning: run)
                for process in processes.filter({ $0.program == program }).prefix(count) {
                    kill(process.processIdentifier, SIGKILL)
                }
            }
            try reach(step: 85)
            launcher.signal(SIGTERM)
            #expect(try launcher.end().code == 143)
            (training.workers, training.servers) = (3, 1)
            let resumed = try Programs.emend(
                training.arguments(data: data, run: run) + ["--resume", "auto"])
            try #require(resumed.code == 0, "\(resumed)")
            #expect(try RunResult(line: resumed.lastLine).bits == undisturbed)
            let verified = try Programs.emend(["verify", run, "--json"])
            #expect(verified.code == 0, "\(verified)")
            #expect(verified.lastLine.contains("\"roll_backs\":[{"), "\(verified)")
        }
    }
}
