import Foundation
import Testing

/// A run that goes on until it is stopped, with two servers and two workers.
final class EndlessRun {
    let folder: ScratchFolder
    let launcher: RunningProgram
    var run: String { folder.path("run") }

    init(options: [String] = []) throws {
        folder = try ScratchFolder()
        let training = TinyRun(
            slots: 3, workers: 2, servers: 2,
            overrides: ["phases.main.steps=1000000", "checkpoint.every=5"])
        launcher = try RunningProgram(
            "emend",
            training.arguments(data: SyntheticData.shared().root, run: folder.path("run"))
                + options)
    }

    /// Waits until so many steps are committed.
    func reach(step: Int) throws {
        try eventually("step \(step) of the run; so far: \(launcher.errors)") {
            (try? StepLine.all(ofRun: run).count) ?? 0 > step
        }
    }

    func children() throws -> [ProcessTable.Entry] {
        try ProcessTable.entries(mentioning: run).filter { $0.program != "emend" }
    }

    /// The first of the children that run this program.
    func child(_ program: String) throws -> ProcessTable.Entry {
        try #require(children().first { $0.program == program })
    }
}
