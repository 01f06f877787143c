import Foundation
import Testing

/// A coordinator, servers and workers without a launcher, on this machine or in namespaces of it.
final class HandStartedCluster {
    /// Where a process runs.
    struct Host {
        /// What stands in front of the program's name to run it there.
        var command: [String] = []
        var address = "127.0.0.1"

        static let loopback = Host()

        /// What a process needs to listen here.
        fileprivate func options(port: String = "0") -> [String] {
            ["--bind", "\(address):\(port)"] + (address == "127.0.0.1" ? [] : ["--insecure"])
        }

        func start(_ program: String, _ arguments: [String]) throws -> RunningProgram {
            let words = try command + [Programs.url(program).path] + arguments
            return try RunningProgram(URL(fileURLWithPath: "/usr/bin/env"), words)
        }
    }

    let folder: ScratchFolder
    private(set) var coordinator: RunningProgram
    private let coordinatorHost: Host
    private let coordinatorArguments: [String]
    private let endpoint: String
    private let data: String
    var run: String { folder.path("run") }

    /// Starts the coordinator of a run on the undamaged data, or on `data`.
    init(
        _ training: TinyRun, servers: Int, workers: Int, data: String? = nil,
        on host: Host = .loopback
    ) throws {
        folder = try ScratchFolder()
        self.data = try data ?? SyntheticData.shared().root
        let run = folder.path("run")
        try folder.write("seed: 0\n", to: "c.yaml")
        coordinatorHost = host
        coordinatorArguments = [
            "--run", run, "--data", self.data, "--servers", "\(servers)", "--workers", "\(workers)",
            "--log-level", "debug",
        ]
        coordinator = try host.start(
            "emend-coordinator",
            coordinatorArguments + host.options() + ["--config", folder.path("c.yaml")]
                + training.keys)
        let file = run + "/coordinator.endpoint"
        try eventually("the coordinator listens") {
            FileManager.default.fileExists(atPath: file)
        }
        endpoint = try SyntheticData.lines(of: file)[0]
    }

    func server(on host: Host = .loopback) throws -> RunningProgram {
        try host.start(
            "emend-server", ["--coordinator", endpoint, "--run", run] + host.options())
    }

    /// A worker that sees the coordinator's data, or `data`.
    func worker(
        data other: String? = nil, isa: String = "auto", on host: Host = .loopback
    ) throws -> RunningProgram {
        try host.start(
            "emend-worker",
            ["--coordinator", endpoint, "--data", other ?? data, "--threads", "1", "--isa", isa])
    }

    /// Starts the coordinator again where it was.
    func restartCoordinator() throws {
        let port = String(endpoint.split(separator: ":").last ?? "0")
        coordinator = try coordinatorHost.start(
            "emend-coordinator",
            coordinatorArguments + coordinatorHost.options(port: port) + ["--resume"])
    }

    /// The steps committed so far.
    var steps: [StepLine] { (try? StepLine.all(ofRun: run)) ?? [] }

    func reach(step: Int, withinSeconds limit: Double = 120) throws {
        try eventually("step \(step); \(coordinator.errors.suffix(3000))", withinSeconds: limit) {
            steps.count > step
        }
    }

    /// The newest checkpoint's hashes.
    func bits() throws -> String {
        let verified = try Programs.emend(["checkpoint", "verify", run, "--json"])
        try #require(verified.code == 0, "\(verified)")
        let line = try JSONDecoder().decode(
            CheckpointLine.self, from: Data(verified.lastLine.utf8))
        return line.parametersSHA256 + " " + (line.optimizerSHA256 ?? "")
    }
}
