import ArgumentParser
import Checkpoints
import Configurations
import Foundation
import Launcher
import Roles
import Telemetry
import Training

/// `emend train`: a whole run on this machine.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train on this machine: starts coordinator, servers and workers as children.",
        discussion: """
            The result does not depend on --workers, --servers and --threads. The run's directory \
            holds the configuration, metrics.jsonl, checkpoints, logs, model.safetensors and \
            result.json.
            """)

    @Option(help: "A YAML configuration.") var config: String?
    @Option(help: "Worker processes.") var workers = 1
    @Option(help: "Parameter-server processes.") var servers = 1
    @Option(help: "Threads of each worker; default: what affinity and cgroup allow, shared out.")
    var threads: Int?
    @Option(help: "Folder of the data set, in Pascal VOC layout.") var data: String?
    @Option(
        name: .customLong("run"),
        help: "The run's directory; default: the next free below runs/.")
    var runPath: String?
    @Option(help: "auto, bar, plain, json or off.") var progress = ProgressStyle.auto
    @Flag(help: "End with one line of JSON.") var json = false
    @Argument(help: "Values to override, as key.path=value.") var overrides: [String] = []

    func validate() throws {
        if workers < 1 { throw ValidationError("--workers must be at least 1, not \(workers)") }
        let allowed = CoordinatorRole.serverCounts
        guard allowed.contains(servers) else {
            throw ValidationError(
                "--servers must be \(allowed.lowerBound) to \(allowed.upperBound), not \(servers)")
        }
        if let threads, threads < 1 {
            throw ValidationError("--threads must be at least 1, not \(threads)")
        }
    }

    func run() throws {
        try reportingErrors {
            let resolved = try ResolvedConfiguration(file: config, overrides: overrides)
            let (directory, lock) = try RunPreparation.directory(
                runPath, method: resolved.configuration.method)
            defer { withExtendedLifetime(lock) {} }
            let root = data.map { URL(fileURLWithPath: $0) }
            let description = try RunPreparation.describe(resolved.configuration, root: root)
            let threadsEach = threads ?? max(1, HostResources.threadsAllowed() / workers)
            try RunPreparation.checkMemory(
                description, workers: workers, threadsPerWorker: threadsEach)
            try RunPreparation.write(resolved, to: directory)
            let validation = RunValidation(
                directory, description, root: root, threadCount: HostResources.threadsAllowed())
            let display = ProgressDisplay(style: progress)
            let outcome = try start(directory, root, threadsEach, validation, display)
            try conclude(outcome, directory, description, validation, display)
        }
    }

    private func start(
        _ directory: RunDirectory, _ root: URL?, _ threadsEach: Int, _ validation: RunValidation,
        _ display: ProgressDisplay
    ) throws -> LocalCluster.Outcome {
        let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent()
        let cluster = LocalCluster(
            LocalCluster.Layout(
                programs: programs, run: URL(fileURLWithPath: directory.path), data: root,
                servers: servers, workers: workers, threadsPerWorker: threadsEach,
                threadsPerServer: max(1, HostResources.threadsAllowed() / servers)))
        var isFirst = true
        return try cluster.run(
            onMetrics: { line in
                guard let metrics = try? JSONDecoder().decode(StepMetrics.self, from: line) else {
                    return
                }
                if isFirst { directory.weightsNotes.forEach { display.note($0) } }
                isFirst = false
                display.show(metrics)
            },
            onTick: { validation.tick { display.note($0) } })
    }

    private func conclude(
        _ outcome: LocalCluster.Outcome, _ directory: RunDirectory, _ description: RunDescription,
        _ validation: RunValidation, _ display: ProgressDisplay
    ) throws {
        display.finish()
        switch outcome {
        case .failed(let failure):
            StandardError.write("emend: \(failure)\n")
            let code = failure.exit.code
            throw ArgumentParser.ExitCode(
                code == 0 ? Configurations.ExitCode.trainingFailed.rawValue : code)
        case .stopped(let signal):
            StandardError.write("emend: stopped by signal \(signal); the checkpoints stay\n")
            throw ArgumentParser.ExitCode(128 + signal)
        case .finished:
            try RunResult(directory, description, validation, display).report(json: json)
        }
    }
}

extension ProgressStyle: ExpressibleByArgument {}
