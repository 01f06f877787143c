import Foundation
import Testing

/// A run of 200 steps under the faults of one case.
final class ChaosRun {
    /// A fault that struck a process that lived and took part.
    struct LandedFault: CustomStringConvertible {
        let seconds: Double
        let step: Int
        let action: String
        let process: ProcessTable.Entry

        var description: String {
            String(
                format: "%6.1f s  step %3d  %@ %@ %d", seconds, step, action,
                process.program, process.processIdentifier)
        }
    }

    static let steps = 200

    /// Sixteen images of a slot make a step of 100 ms on two quiet cores; a busy machine needs fewer.
    static let pace: [String] = {
        let given = ProcessInfo.processInfo.environment["EMEND_CHAOS_IMAGES"]
        let images = given.flatMap(Int.init) ?? (longTestsAreWanted ? 16 : 2)
        return ["slots.batch=\(images)", "slots.labelled=\(images / 2)"]
    }()

    static func training(workers: Int, servers: Int) -> TinyRun {
        TinyRun(
            slots: 7, workers: workers, servers: servers,
            overrides: pace + [
                "phases.ancillary.steps=\(steps / 2)", "phases.main.steps=\(steps / 2)",
                "checkpoint.every=10",
            ])
    }

    let chaos: ChaosCase
    private let folder: ScratchFolder
    private var launcher: RunningProgram
    private let begun = ContinuousClock.now
    private(set) var landed: [LandedFault] = []
    private(set) var resumes = 0
    var path: String { folder.path("run") }
    var seconds: Double { (ContinuousClock.now - begun) / .seconds(1) }

    init(_ chaos: ChaosCase) throws {
        self.chaos = chaos
        folder = try ScratchFolder()
        launcher = try Self.launch(chaos, run: folder.path("run"))
    }

    private static func launch(_ chaos: ChaosCase, run: String) throws -> RunningProgram {
        let training = training(workers: chaos.workers, servers: chaos.servers)
        return try RunningProgram(
            "emend",
            training.arguments(data: SyntheticData.shared().root, run: run)
                + ["--resume", "auto"])
    }

    /// Lets every fault strike and waits for the end.
    func end() throws -> EndedProgram {
        for strike in chaos.strikes {
            try eventually(
                "step \(strike.step); \(launcher.errors.suffix(3000))", withinSeconds: 300
            ) {
                try #require(launcher.isRunning, "\(launcher.errors)")
                return committedSteps >= strike.step
            }
            try inflict(strike.victim)
        }
        return try launcher.end(withinSeconds: 300)
    }

    private var committedSteps: Int {
        (FileManager.default.contents(atPath: path + "/metrics.jsonl") ?? Data())
            .count { $0 == UInt8(ascii: "\n") }
    }

    private func inflict(_ victim: ChaosCase.Victim) throws {
        switch victim {
        case .role(let program):
            let victim = try takingPart(program, count: 1)[0]
            if chaos.faults == .pauses {
                strike(victim, SIGSTOP, "stopped")
                usleep(5_000_000)  // The fault itself, not a wait for something.
                kill(victim.processIdentifier, SIGCONT)
            } else {
                strike(victim, SIGKILL, "killed")
            }
        case .allServers:
            for server in try takingPart("emend-server", count: chaos.servers) {
                strike(server, SIGKILL, "killed")
            }
        case .launcher:
            let process = ProcessTable.Entry(
                processIdentifier: launcher.processIdentifier, program: "emend")
            strike(process, SIGTERM, "asked to stop:")
            let ended = try launcher.end()
            try #require(ended.code == 143, "\(ended)")
            resumes += 1
            launcher = try Self.launch(chaos, run: path)
        }
    }

    private func strike(_ victim: ProcessTable.Entry, _ signal: Int32, _ action: String) {
        let step = committedSteps
        guard kill(victim.processIdentifier, signal) == 0 else { return }
        landed.append(
            LandedFault(seconds: seconds, step: step, action: action, process: victim))
    }

    /// Processes of a role that the coordinator knows, or a coordinator that knows its run, by
    /// chance: a start that fails thrice would end the run, rightly.
    private func takingPart(_ program: String, count: Int) throws -> [ProcessTable.Entry] {
        var found: [ProcessTable.Entry] = []
        try eventually(
            "\(count) of \(program) take part; \(launcher.errors.suffix(3000))", withinSeconds: 300
        ) {
            let log = try String(contentsOfFile: path + "/logs/coordinator.log", encoding: .utf8)
            found = try ProcessTable.entries(mentioning: path).filter { entry in
                let id = entry.processIdentifier
                return entry.program == program
                    && (log.contains("process \(id)\n")
                        || log.contains("coordinator \(id): found the run again")
                        || log.contains("coordinator \(id): training starts"))
            }
            return found.count >= count
        }
        return Array(found.shuffled().prefix(count))
    }
}
