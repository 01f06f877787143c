import Checkpoints
import Configurations
import Datasets
import Foundation
import Ledger
import Logging
import Tensors
import Training
import TrainingProtocol
import Transport
import WireFormat

/// The coordinator's process: leads the run, off the data path.
public struct CoordinatorRole {
    /// The run's directory.
    public var run: String
    /// A YAML file; nil takes `configuration.yaml` of the run's directory.
    public var configuration: String?
    /// Values as `key.path=value`, which win over the file.
    public var overrides: [String]
    /// Root of the data set on this machine.
    public var data: String?
    /// Where to listen; port 0 takes any free one.
    public var bind: String
    /// Servers that the run has.
    public var servers: Int
    /// Workers that the first step waits for.
    public var workers: Int
    /// Whether `bind` may be an address that other machines reach.
    public var exposure: NetworkExposure

    /// The servers that a run may have.
    public static let serverCounts = 1...Limits().serverCount

    /// Whether the directory's run goes on.
    public var start: Start

    /// How a coordinator begins.
    public enum Start: Sendable {
        /// The directory must not hold a run.
        case new
        /// The directory's run goes on, with the members that are still at work.
        case resumed
    }

    /// Takes the options; nothing is opened yet.
    public init(
        run: String, configuration: String?, overrides: [String], data: String?, bind: String,
        servers: Int, workers: Int, exposure: NetworkExposure, start: Start
    ) {
        self.run = run
        self.configuration = configuration
        self.overrides = overrides
        self.data = data
        self.bind = bind
        self.servers = servers
        self.workers = workers
        self.exposure = exposure
        self.start = start
    }

    /// Leads the run to its end; returns the exit code.
    public func lead() throws -> ExitCode {
        let directory = RunDirectory(run)
        let lock = try RunLock(run: run)
        defer { withExtendedLifetime(lock) {} }
        let process = RoleProcess(role: .coordinator, threadCount: 1)
        let setup = LoopSetup(
            incarnation: process.identity.incarnation, listen: try Endpoint(parsing: bind),
            exposure: exposure.transport)
        switch start {
        case .new: return try begin(directory, process, setup)
        case .resumed: return try resume(directory, process, setup)
        }
    }

    private func begin(
        _ directory: RunDirectory, _ process: RoleProcess, _ setup: LoopSetup
    ) throws -> ExitCode {
        guard !directory.holdsRun else {
            throw CheckpointError(
                .inUse, file: run,
                "already in use: it holds a run; continue it with --resume, choose another "
                    + "directory, or remove it")
        }
        let resolved = try ResolvedConfiguration(
            file: configuration ?? directory.configurationFile, overrides: overrides)
        let (description, warnings) = try RunDescription.open(
            resolved.configuration, root: data.map { URL(fileURLWithPath: $0) })
        for warning in warnings { process.logger.warning("\(warning)") }
        let (byteCount, limit) = (description.frame.byteCount, WireLimits.documentByteCount)
        guard byteCount <= limit else {
            throw RoleError.oversized(byteCount: byteCount, limit: limit)
        }
        let jobs = CoordinatorJobs()
        let images = try SlotImages(description)
        var metrics: MetricsLog?
        // The address comes first: where it is taken, no run has begun in the directory.
        return try process.run(
            setup, jobs: jobs, images: images, report: { metrics?.record($0) }
        ) { endpoint in
            let opening = try RunOpening(directory, description, resolved: resolved)
            for note in opening.notes { process.logger.info("\(note)") }
            let ledger = try Ledger.open(
                path: directory.ledgerFile,
                header: LedgerHeader(
                    run: opening.runID.description, opening.plan, description))
            jobs.open(try Journal(run: run), ledger, opening.checkpoints)
            metrics = try MetricsLog(
                directory, description, opening.plan, from: .initial, logger: process.logger)
            try write(endpoint, to: directory)
            return CoordinatorMachine(
                identity: process.identity,
                settings: settings(
                    opening.runID, CoordinatorTerm(1), description, opening.plan,
                    from: opening.start, predecessors: .none, recordedThrough: .initial),
                limits: Limits())
        }
    }

    private func resume(
        _ directory: RunDirectory, _ process: RoleProcess, _ setup: LoopSetup
    ) throws -> ExitCode {
        let resumption = try RunResumption(directory)
        for note in resumption.notes { process.logger.warning("\(note)") }
        let jobs = CoordinatorJobs()
        jobs.open(resumption.journal, resumption.ledger, resumption.checkpoints)
        let recordedThrough = Version(resumption.ledger.recordedThrough)
        let metrics = try MetricsLog(
            directory, resumption.description, resumption.plan, from: recordedThrough,
            logger: process.logger)
        return try process.run(
            setup, jobs: jobs, images: SlotImages(resumption.description),
            report: { metrics.record($0) }
        ) { endpoint in
            try write(endpoint, to: directory)
            let recovered = resumption.recovered
            return CoordinatorMachine(
                identity: process.identity,
                settings: settings(
                    recovered.run, CoordinatorTerm(recovered.coordinatorTerm.number + 1),
                    resumption.description, resumption.plan, from: resumption.start,
                    predecessors: .alive(recovered), recordedThrough: recordedThrough),
                limits: Limits())
        }
    }

    private func write(_ endpoint: Endpoint?, to directory: RunDirectory) throws {
        guard let endpoint else { preconditionFailure("a coordinator without an endpoint") }
        try Data("\(endpoint)\n".utf8).write(
            to: URL(fileURLWithPath: directory.endpointFile), options: .atomic)
    }

    private func settings(
        _ runID: RunID, _ term: CoordinatorTerm, _ description: RunDescription, _ plan: RunPlan,
        from start: CheckpointReference, predecessors: CoordinatorSettings.Predecessors,
        recordedThrough: Version
    ) -> CoordinatorSettings {
        let numerics = description.configuration.numerics
        let engine = ProductEngine(training: description.configuration)
        return CoordinatorSettings(
            run: runID, coordinatorTerm: term, configuration: description.frame,
            configurationHash: description.hash, plan: plan, serverCount: servers,
            hintedWorkerCount: workers,
            numericsClass: numerics.class.map { TrainingProtocol.NumericsClass($0) },
            numericsEngine: NumericsEngine(
                name: engine.className, requirement: engine.requirement),
            numericsPolicy: numerics.admission == .strict ? .strict : .loose,
            source: .checkpoint(start), startVersion: start.version,
            predecessors: predecessors, recordedThrough: recordedThrough)
    }
}

/// A new run's files: identity, configuration, lists, checkpoint 0.
struct RunOpening {
    let runID: RunID
    let plan: RunPlan
    let checkpoints: RunCheckpoints
    let start: CheckpointReference
    /// What the initial values were taken from.
    let notes: [String]

    init(_ directory: RunDirectory, _ description: RunDescription, resolved: ResolvedConfiguration)
        throws
    {
        var generator = SystemRandomNumberGenerator()
        runID = RunID(high: generator.next(), low: generator.next())
        plan = try RunPlan(description)
        checkpoints = RunCheckpoints(
            run: directory.path, runID: runID, plan: plan, description: description)
        try Data(resolved.yaml.utf8).write(
            to: URL(fileURLWithPath: directory.configurationFile), options: .atomic)
        if let index = description.dataset { try Self.writeLists(index, to: directory) }
        (start, notes) = try checkpoints.writeInitial()
        try Data(notes.map { $0 + "\n" }.joined().utf8).write(
            to: URL(fileURLWithPath: directory.weightsNotesFile), options: .atomic)
        // The identity comes last: without it the directory holds no run.
        try directory.writeIdentity(runID)
    }

    /// The images of F, of the half of F that the convolutional method's ancillary sees, and of W.
    private static func writeLists(_ index: DatasetIndex, to directory: RunDirectory) throws {
        let folder = directory.path + "/lists"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let labelled = index.labelled.map(\.name)
        let lists = [
            ("labelled", labelled),
            ("labelled-half", Array(labelled.prefix((labelled.count + 1) / 2))),
            ("weak", index.weak.map(\.name)), ("validation", index.validation.map(\.name)),
        ]
        for (name, images) in lists {
            try Data(images.map { $0 + "\n" }.joined().utf8).write(
                to: URL(fileURLWithPath: "\(folder)/\(name).txt"), options: .atomic)
        }
    }
}
