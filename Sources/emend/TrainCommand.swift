import ArgumentParser
import Checkpoints
import Configurations
import Foundation
import Launcher
import Roles
import Telemetry
import Tensors
import Training

/// `emend train`: a whole run on this machine.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train on this machine: starts coordinator, servers and workers as children.",
        discussion: """
            The result does not depend on --workers, --servers and --threads. The run's directory \
            holds the configuration, metrics.jsonl, checkpoints, logs, model.safetensors and \
            result.json. A process that dies is started again. Ctrl-C stops the run with a \
            checkpoint, a second one at once; --resume auto goes on with it.
            """)

    @Option(help: "A YAML configuration.") var config: String?
    @Option(help: "Worker processes; default: 1, or as the run was last scaled.")
    var workers: Int?
    @Option(help: "Parameter-server processes.") var servers = 1
    @Option(help: "Threads of each worker; default: what affinity and cgroup allow, shared out.")
    var threads: Int?
    @Option(help: "Folder of the data set, in Pascal VOC layout.") var data: String?
    @Option(
        name: .customLong("run"),
        help: "The run's directory; default: the next free below runs/.")
    var runPath: String?
    @Option(
        help: ArgumentHelp(
            "never, auto, or a run's directory: whether to continue the run that is there.",
            discussion: "auto continues the run in --run where there is one. A finished run is "
                + "reported, not repeated.",
            valueName: "auto|never|path"))
    var resume = ResumeChoice.never
    @Option(help: "auto, or never: whether a process that died is started again.")
    var restart = RestartPolicy.auto
    @Option(help: "The kernels' level: auto, generic, avx2, avx512 or neon; the bits are the same.")
    var isa = InstructionSet.auto
    @Option(help: "auto, bar, plain, json or off.") var progress = ProgressStyle.auto
    @Flag(help: "End with one line of JSON.") var json = false
    @Argument(help: "Values to override, as key.path=value.") var overrides: [String] = []

    func validate() throws {
        if let workers, workers < 1 {
            throw ValidationError("--workers must be at least 1, not \(workers)")
        }
        let allowed = CoordinatorRole.serverCounts
        guard allowed.contains(servers) else {
            throw ValidationError(
                "--servers must be \(allowed.lowerBound) to \(allowed.upperBound), not \(servers)")
        }
        if let threads, threads < 1 {
            throw ValidationError("--threads must be at least 1, not \(threads)")
        }
        if case .path(let path) = resume, let runPath, runPath != path {
            throw ValidationError("--resume names \(path) and --run names \(runPath); give one")
        }
    }

    func run() throws {
        // First of all: a signal is served in every phase.
        let signals = SignalWatch()
        defer { withExtendedLifetime(signals) {} }
        try reportingErrors {
            _ = try isa.kernels()
            let start = try RunStart(resume, run: runPath, config: config, overrides: overrides)
            defer { withExtendedLifetime(start) {} }
            let directory = start.directory
            if start.stage == .complete, directory.hasResult {
                return try report(directory)
            }
            let root = data.map { URL(fileURLWithPath: $0) }
            let description = try RunPreparation.describe(start.resolved.configuration, root: root)
            let validation = RunValidation(
                directory, description, root: root, threadCount: HostResources.threadsAllowed())
            let display = ProgressDisplay(style: progress)
            let outcome: LocalCluster.Outcome =
                start.stage == .complete
                ? .finished : try train(start, description, validation, display, signals)
            try conclude(outcome, directory, description, validation, display)
        }
    }

    /// Shows what a finished run came to.
    private func report(_ directory: RunDirectory) throws {
        StandardError.write("emend: the run in \(directory.path) is finished already\n")
        let names = try TrainedRun(run: directory).description.classNames
        try TrainingResult(of: directory).show(classNames: names, json: json)
    }

    private func train(
        _ start: RunStart, _ description: RunDescription, _ validation: RunValidation,
        _ display: ProgressDisplay, _ signals: SignalWatch
    ) throws -> LocalCluster.Outcome {
        let directory = start.directory
        let workers = workers ?? start.workersWanted ?? 1
        let threadsEach = threads ?? max(1, HostResources.threadsAllowed() / workers)
        try ProductEngine(training: description.configuration).prepare(try isa.kernels())
        try RunPreparation.checkMemory(description, workers: workers, threadsPerWorker: threadsEach)
        if start.stage == .new { try RunPreparation.write(start.resolved, to: directory) }
        let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent()
        let cluster = LocalCluster(
            ClusterLayout(
                programs: programs, run: URL(fileURLWithPath: directory.path),
                data: data.map { URL(fileURLWithPath: $0) }, servers: servers, workers: workers,
                threadsPerWorker: threadsEach,
                threadsPerServer: max(1, HostResources.threadsAllowed() / servers),
                restart: restart, instructionSet: isa.rawValue), onNote: { display.note($0) })
        var isFirst = true
        return try cluster.run(
            signals,
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
            StandardError.write(
                "emend: stopped by signal \(signal)"
                    + (directory.holdsRun ? "; --resume \(directory.path) goes on with it\n" : "\n")
            )
            throw ArgumentParser.ExitCode(128 + signal)
        case .finished:
            try RunResult(directory, description, validation, display).report(json: json)
        }
    }
}

extension ProgressStyle: ExpressibleByArgument {}
extension RestartPolicy: ExpressibleByArgument {}

extension RunDirectory {
    /// Whether the finished run's result is on record.
    fileprivate var hasResult: Bool { FileManager.default.fileExists(atPath: resultFile) }
}
