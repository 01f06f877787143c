import Foundation
import Testing

extension EndToEnd {
    /// Runs with a setting that changes their bits: lag:k, or another format of gradients.
    @Suite("With older parameters or rounded gradients the bits stay the same too")
    struct VariantRuns {
        private static let settings = [
            "protocol.consistency=lag:1", "protocol.consistency=lag:2", "gradients.format=bf16",
        ]

        private static func training(_ setting: String) -> TinyRun {
            TinyRun(
                slots: 3, workers: 2, servers: 2,
                overrides: [
                    setting, "phases.main.steps=150",
                    "checkpoint.every=10",
                ])
        }

        @Test("Two clusters of different shape agree", arguments: settings)
        func shapes(setting: String) throws {
            let keys = [setting]
            let one = TinyRun(method: "convolutional", slots: 4, overrides: keys)
            let other = TinyRun(
                method: "convolutional", slots: 4, workers: 3, servers: 2, threads: 2,
                overrides: keys)
            let bits = try one.result().bits
            #expect(try other.result().bits == bits)
            let plain = TinyRun(method: "convolutional", slots: 4)
            #expect(try plain.result().bits != bits)
        }

        @Test(
            "Killed processes, a roll-back and a resumed run change nothing",
            arguments: settings)
        func disturbed(setting: String) throws {
            let data = try SyntheticData.shared().root
            var training = Self.training(setting)
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
