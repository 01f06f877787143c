import ArgumentParser
import Foundation
import Launcher
import Simulation

/// `emend simulate`: a cluster's protocol in virtual time, with faults drawn from seeds.
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let simulated clusters crash, and check that no bit of a run changes.",
        discussion: """
            Each seed draws a cluster and what goes wrong in it; equal seeds are equal to the last \
            message. Exits with 1 where a seed fails, after telling its story.
            """)

    @Option(help: "Seeds to run.") var seeds: UInt64 = 200
    @Option(help: "The first of them.") var from: UInt64 = 1
    @Option(help: "Tell the story of this seed alone.") var seed: UInt64?
    @Option(help: "Threads.") var threads = HostResources.threadsAllowed()
    @Flag(help: "One line of JSON.") var json = false

    func validate() throws {
        guard seeds > 0, threads > 0, from <= UInt64.max - seeds else {
            throw ValidationError(
                "--seeds and --threads must be at least 1, and --from plus --seeds below 2^64")
        }
    }

    func run() throws {
        try reportingErrors {
            let failures = try seed.map(Self.tell) ?? sweep()
            if failures > 0 { throw ArgumentParser.ExitCode(1) }
        }
    }

    /// Tells one seed's story; returns how many failed.
    private static func tell(seed: UInt64) throws -> Int {
        for line in Simulation.story(seed: seed) { print(line) }
        do {
            let outcome = try Simulation.run(seed: seed)
            print("seed \(seed) ended: \(outcome.termination)")
            return 0
        } catch {
            print("seed \(seed) failed: \(error.violation)")
            return 1
        }
    }

    private func sweep() throws -> Int {
        let started = ContinuousClock.now
        let count = seeds
        let sweep = SeedSweep.run(from...(from + seeds - 1), threadCount: threads) { sweep in
            StandardError.write(
                "emend: \(sweep.seedCount) of \(count) seeds, \(sweep.failures.count) failed\n")
        }
        for failure in sweep.failures.prefix(1) { StandardError.write("\(failure)\n") }
        let elapsed = (ContinuousClock.now - started).components
        let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        let report = SimulationReport(sweep, seconds: seconds)
        print(json ? try jsonLine(report) : report.text)
        return sweep.failures.count
    }
}

/// What many seeds came to.
private struct SimulationReport: Encodable {
    let seeds: UInt64
    let completed: Int
    let stopped: Int
    let failedSeeds: [UInt64]
    let events: Int
    let rollBacks: Int
    let promotions: Int
    let coordinatorRestarts: Int
    let virtualSeconds: Double
    let seconds: Double

    init(_ sweep: SeedSweep, seconds: Double) {
        seeds = sweep.seedCount
        completed = sweep.completedCount
        stopped = sweep.stoppedCount
        failedSeeds = sweep.failures.map(\.seed)
        events = sweep.eventCount
        rollBacks = sweep.rollBackCount
        promotions = sweep.promotionCount
        coordinatorRestarts = sweep.resumptionCount
        virtualSeconds = Double(sweep.virtualMilliseconds) / 1_000
        self.seconds = seconds
    }

    var text: String {
        let failed = failedSeeds.map { "\($0)" }.joined(separator: ", ")
        return """
            \(seeds) seeds: \(completed) completed, \(stopped) stopped, \
            \(failedSeeds.count) failed\(failed.isEmpty ? "" : " (\(failed))")
            \(promotions) promotions, \(rollBacks) roll-backs, \(coordinatorRestarts) coordinator \
            restarts, \(events) events
            \(String(format: "%.0f virtual seconds in %.1f s", virtualSeconds, seconds))
            """
    }
}
