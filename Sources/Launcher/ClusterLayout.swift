import Foundation

/// What a local run starts, and where.
public struct ClusterLayout: Sendable {
    /// Folder of the executables `emend-coordinator`, `emend-server` and `emend-worker`.
    public var programs: URL
    /// The run's directory.
    public var run: URL
    /// Root of the data set.
    public var data: URL?
    /// Server processes, at least 1.
    public var servers: Int
    /// Worker processes to begin with, at least 1.
    public var workers: Int
    /// Threads that compute, in each worker.
    public var threadsPerWorker: Int
    /// Threads that apply updates, in each server.
    public var threadsPerServer: Int
    /// Whether a process that died is started again.
    public var restart: RestartPolicy
    /// The `--isa` of servers and workers.
    public var instructionSet: String

    /// Takes the layout as it is.
    public init(
        programs: URL, run: URL, data: URL?, servers: Int, workers: Int, threadsPerWorker: Int,
        threadsPerServer: Int, restart: RestartPolicy, instructionSet: String = "auto"
    ) {
        precondition(servers > 0 && workers > 0, "\(servers) servers, \(workers) workers")
        self.programs = programs
        self.run = run
        self.data = data
        self.servers = servers
        self.workers = workers
        self.threadsPerWorker = threadsPerWorker
        self.threadsPerServer = threadsPerServer
        self.restart = restart
        self.instructionSet = instructionSet
    }

    private static let anyPort = "tcp://127.0.0.1:0"

    func program(of role: ChildName.Role) -> String {
        programs.appendingPathComponent("emend-\(role.rawValue)").path
    }

    /// A child's command line; `endpoint` is the coordinator's, nil before it has one.
    ///
    /// A coordinator that had an address takes it again, for there the members look for it.
    package func arguments(of name: ChildName, endpoint: String?) -> [String] {
        var arguments = ["--run", run.path]
        switch name.role {
        case .coordinator:
            arguments += [
                "--bind", endpoint ?? Self.anyPort, "--servers", String(servers),
                "--workers", String(workers),
            ]
            if holdsRun { arguments.append("--resume") }
        case .server:
            arguments += ["--bind", Self.anyPort, "--threads", String(threadsPerServer)]
        case .worker:
            arguments += ["--threads", String(threadsPerWorker)]
        }
        if name.role != .coordinator { arguments += ["--isa", instructionSet] }
        if name.role != .coordinator, let endpoint { arguments += ["--coordinator", endpoint] }
        if name.role != .server, let data { arguments += ["--data", data.path] }
        return arguments
    }

    /// Whether a run has begun in the directory, to be continued.
    private var holdsRun: Bool {
        FileManager.default.fileExists(atPath: run.appendingPathComponent("run.json").path)
    }
}
