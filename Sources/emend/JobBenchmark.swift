import Configurations
import Datasets
import Foundation
import Launcher
import Roles
import Telemetry

/// Times a whole training job on this machine: coordinator, servers and workers as processes, a
/// synthetic data set, every message and every update.
struct JobBenchmark {
    /// Medians over the steps after the warm-up; keys as the PyTorch peer prints them.
    struct Result: Encodable {
        var network: String
        var workers: Int
        var servers: Int
        /// Of each worker.
        var threads: Int
        /// Images of a slot; a step has one slot for each worker.
        var batch: Int
        var size: Int
        var steps: Int
        var consistency: String
        var stepSeconds: Double
        var imagesPerSecond: Double
        /// Processors that the servers kept busy, all together.
        var serverProcessors: Double
        /// Processors that the coordinator kept busy.
        var coordinatorProcessors: Double
        /// Processors that the workers kept busy, all together.
        var workerProcessors: Double
        /// The share of the workers' time in which they held a slot and waited for its parameters; nil
        /// where the coordinator was not heard.
        var pullWaitShare: Double?

        enum CodingKeys: String, CodingKey {
            case network, workers, servers, threads, batch, size, steps, consistency
            case stepSeconds = "step_s"
            case imagesPerSecond = "images_per_s"
            case serverProcessors = "server_cpu"
            case coordinatorProcessors = "coordinator_cpu"
            case workerProcessors = "worker_cpu"
            case pullWaitShare = "pull_wait"
        }
    }

    /// Why a job could not be timed.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let warmUp = 3

    let network: Configuration.Network.Backbone
    let workers: Int
    let servers: Int
    let threads: Int
    let batch: Int
    let size: Int
    let classes: Int
    let steps: Int
    let consistency: Consistency
    /// A new directory for data and run.
    let directory: String

    func run() throws -> Result {
        let data = directory + "/data", run = RunDirectory(directory + "/run")
        try FileManager.default.createDirectory(
            atPath: run.path, withIntermediateDirectories: true)
        try writeData(to: data)
        try RunPreparation.write(try configuration(), to: run)
        let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent()
        let cluster = LocalCluster(
            ClusterLayout(
                programs: programs, run: URL(fileURLWithPath: run.path),
                data: URL(fileURLWithPath: data), servers: servers, workers: workers,
                threadsPerWorker: threads, threadsPerServer: 1, restart: .never),
            onNote: { StandardError.write("emend: \($0)\n") })
        var times: [Double] = []
        var usage: [(elapsed: Double, seconds: [String: Double])] = []
        var pullWaitShare: Double?
        let outcome = try cluster.run(
            SignalWatch(),
            onMetrics: { line in
                guard let metrics = try? JSONDecoder().decode(StepMetrics.self, from: line) else {
                    return
                }
                if metrics.step >= Self.warmUp {
                    times.append(metrics.stepSeconds)
                    usage.append((metrics.elapsedSeconds, Self.processorSeconds()))
                }
                if metrics.step + 2 == UInt64(Self.warmUp + steps) {
                    pullWaitShare = Self.pullWaitShare(of: run)
                }
            }, onTick: {})
        guard case .finished = outcome, times.count == steps else {
            throw Failure(
                description: "the job ended after \(times.count) of \(steps) steps: \(outcome)")
        }
        return result(times.sorted(), usage, pullWaitShare)
    }

    /// Asked while the run goes on.
    private static func pullWaitShare(of run: RunDirectory) -> Double? {
        guard let text = try? String(contentsOfFile: run.endpointFile, encoding: .utf8) else {
            return nil
        }
        let endpoint = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return try? Observer(coordinator: endpoint).status().pullWaitShare
    }

    /// Synthetic images of as many classes as there are shapes; the network has the others too.
    private func writeData(to data: String) throws {
        let shapes = min(classes - 1, Synthesis.largestClassCount)
        try Synthesis.write(
            SynthesisOptions(
                seed: 0, trainingCount: 2 * workers * batch, validationCount: 1,
                size: PixelSize(height: size, width: size), classCount: shapes,
                difficulty: .medium), to: data)
        let labels = URL(fileURLWithPath: data + "/labels.txt")
        var text = try String(contentsOf: labels, encoding: .utf8)
        for index in (shapes + 1)..<max(classes, shapes + 1) { text += "unused-\(index)\n" }
        try Data(text.utf8).write(to: labels)
    }

    private func configuration() throws -> ResolvedConfiguration {
        try ResolvedConfiguration(
            file: nil,
            overrides: [
                "method=supervised", "network.backbone=\(network.rawValue)",
                "slots.count=\(workers)", "slots.batch=\(batch)", "data.crop=\(size)",
                "data.supervised=\(2 * workers * batch)", "data.scales=[1]",
                "phases.main.steps=\(Self.warmUp + steps)", "checkpoint.every=0",
                "evaluate.every=0", "protocol.consistency=\(consistency.rawValue)",
            ])
    }

    private func result(
        _ times: [Double], _ usage: [(elapsed: Double, seconds: [String: Double])],
        _ pullWaitShare: Double?
    ) -> Result {
        guard let step = times.median else { preconditionFailure("no steps were timed") }
        func processors(_ program: String) -> Double {
            guard let first = usage.first, let last = usage.last, last.elapsed > first.elapsed
            else { return 0 }
            return (last.seconds[program, default: 0] - first.seconds[program, default: 0])
                / (last.elapsed - first.elapsed)
        }
        return Result(
            network: network.rawValue, workers: workers, servers: servers, threads: threads,
            batch: batch, size: size, steps: steps, consistency: consistency.rawValue,
            stepSeconds: step,
            imagesPerSecond: Double(workers * batch) / step,
            serverProcessors: processors("emend-server"),
            coordinatorProcessors: processors("emend-coordinat"),
            workerProcessors: processors("emend-worker"), pullWaitShare: pullWaitShare)
    }

    /// Processor time that each kind of child has used, by the name the kernel knows it by.
    private static func processorSeconds() -> [String: Double] {
        let own = "\(getpid())"
        var seconds: [String: Double] = [:]
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for entry in entries where Int(entry) != nil {
            guard let text = try? String(contentsOfFile: "/proc/\(entry)/stat", encoding: .utf8),
                let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")")
            else { continue }
            let fields = text[close...].split(separator: " ")
            // After the name: state, parent, …, user and system time in ticks (proc(5)).
            guard fields.count > 13, fields[2] == own, let user = Double(fields[12]),
                let system = Double(fields[13])
            else { continue }
            let name = String(text[text.index(after: open)..<close])
            seconds[name, default: 0] += (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
        return seconds
    }
}
