import CLinux
import Foundation

/// A run on this machine: one coordinator, servers and workers, as children of this process.
///
/// Children die with this process even when it is killed: each is told its parent and asks the kernel
/// to be killed with it. The first child that fails ends the run and is named.
public final class LocalCluster {
    /// What to start, and where.
    public struct Layout: Sendable {
        /// Folder of the executables `emend-coordinator`, `emend-server` and `emend-worker`.
        public var programs: URL
        /// The run's directory.
        public var run: URL
        /// Root of the data set.
        public var data: URL?
        /// Server processes, at least 1.
        public var servers: Int
        /// Worker processes, at least 1.
        public var workers: Int
        /// Threads that compute, in each worker.
        public var threadsPerWorker: Int
        /// Threads that apply updates, in each server.
        public var threadsPerServer: Int

        /// Takes the layout as it is.
        public init(
            programs: URL, run: URL, data: URL?, servers: Int, workers: Int,
            threadsPerWorker: Int, threadsPerServer: Int
        ) {
            precondition(servers > 0 && workers > 0, "\(servers) servers, \(workers) workers")
            self.programs = programs
            self.run = run
            self.data = data
            self.servers = servers
            self.workers = workers
            self.threadsPerWorker = threadsPerWorker
            self.threadsPerServer = threadsPerServer
        }
    }

    /// How the run ended.
    public enum Outcome: Sendable {
        case finished
        case failed(Failure)
        /// A signal to this process was forwarded, and every child has ended.
        case stopped(signal: Int32)
    }

    /// The first child that failed.
    public struct Failure: Error, CustomStringConvertible {
        /// Its name, for example `worker-1`.
        public let child: String
        /// How it ended.
        public let exit: ChildExit
        /// The whole of its log.
        public let logFile: URL
        /// The end of its log.
        public let lastLines: [String]

        /// As told to the user.
        public var description: String {
            let tail = lastLines.map { "    \($0)" }.joined(separator: "\n")
            return "\(child) ended with \(exit); the last lines of \(logFile.path):\n\(tail)"
        }
    }

    private enum Event: Sendable {
        case exited(name: String, exit: ChildExit)
        case signal(Int32)
    }

    private enum Limits {
        /// The coordinator reads every file of the data set before it listens.
        static let endpointTimeoutSeconds = 600.0
        /// Beyond what the protocol gives a stopped run for its steps and last checkpoint.
        static let stopTimeoutSeconds = 150.0
        static let failureTimeoutSeconds = 20.0
        /// Others may end before the child whose failure they follow.
        static let causeSeconds = 1.0
        static let pollSeconds = 0.1
        static let reportedLogLines = 20
    }

    private let layout: Layout
    private let queue = EventQueue<Event>()
    private var children: [ChildProcess] = []
    private var processes: [String: Process] = [:]
    private var running: Set<String> = []
    private var signalSources: [any DispatchSourceSignal] = []
    private var signalsReceived = 0

    /// A cluster that has not been started.
    public init(_ layout: Layout) {
        self.layout = layout
    }

    /// Starts every process, follows `metrics.jsonl`, and returns when all children have ended.
    ///
    /// `onMetrics` gets each new line; `onTick` is called about ten times a second.
    public func run(onMetrics: (Data) -> Void, onTick: () -> Void) throws -> Outcome {
        installSignalHandlers()
        defer { signalSources.forEach { $0.cancel() } }
        let endpointFile = layout.run.appendingPathComponent("coordinator.endpoint")
        try? FileManager.default.removeItem(at: endpointFile)
        let metrics = layout.run.appendingPathComponent("metrics.jsonl")
        var follower = LineFollower(file: metrics)
        _ = follower.newLines()
        try start(.coordinator, index: 0, arguments: coordinatorArguments())
        if let early = waitForEndpoint(endpointFile) { return early }
        let endpoint = try String(contentsOf: endpointFile, encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        try startMembers(coordinator: endpoint)
        let outcome = watch {
            follower.newLines().forEach(onMetrics)
            onTick()
        }
        follower.newLines().forEach(onMetrics)
        return outcome
    }

    // MARK: Starting

    private func coordinatorArguments() -> [String] {
        var arguments = [
            "--run", layout.run.path, "--bind", "tcp://127.0.0.1:0",
            "--servers", String(layout.servers), "--workers", String(layout.workers),
        ]
        if let data = layout.data { arguments += ["--data", data.path] }
        return arguments
    }

    private func startMembers(coordinator endpoint: String) throws {
        for index in 0..<layout.servers {
            try start(
                .server, index: index,
                arguments: [
                    "--coordinator", endpoint, "--run", layout.run.path,
                    "--bind", "tcp://127.0.0.1:0",
                    "--threads", String(layout.threadsPerServer),
                ])
        }
        for index in 0..<layout.workers {
            var arguments = [
                "--coordinator", endpoint, "--run", layout.run.path,
                "--threads", String(layout.threadsPerWorker),
            ]
            if let data = layout.data { arguments += ["--data", data.path] }
            try start(.worker, index: index, arguments: arguments)
        }
    }

    private func start(_ role: ChildProcess.Role, index: Int, arguments: [String]) throws {
        let logs = layout.run.appendingPathComponent("logs")
        try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
        let name = role == .coordinator ? "coordinator" : "\(role.rawValue)-\(index)"
        let logFile = logs.appendingPathComponent("\(name).log")
        try Data().write(to: logFile)
        let log = try FileHandle(forWritingTo: logFile)
        defer { try? log.close() }
        let process = Process()
        process.executableURL = layout.programs.appendingPathComponent("emend-\(role.rawValue)")
        process.arguments =
            arguments + ["--exit-with-parent", String(ProcessInfo.processInfo.processIdentifier)]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        let queue = queue
        process.terminationHandler = { ended in
            let exit: ChildExit =
                ended.terminationReason == .exit
                ? .status(ended.terminationStatus) : .signal(ended.terminationStatus)
            queue.post(.exited(name: name, exit: exit))
        }
        try process.run()
        processes[name] = process
        running.insert(name)
        children.append(
            ChildProcess(
                role: role, index: index, logFile: logFile,
                processIdentifier: process.processIdentifier))
    }

    /// Returns an outcome when the run ended before the coordinator had bound its address.
    private func waitForEndpoint(_ file: URL) -> Outcome? {
        let deadline = Date(timeIntervalSinceNow: Limits.endpointTimeoutSeconds)
        while !FileManager.default.fileExists(atPath: file.path) {
            switch queue.next(timeoutSeconds: Limits.pollSeconds) {
            case .exited(let name, let exit):
                running.remove(name)
                return conclude(.failed(failure(of: name, exit)))
            case .signal(let number):
                return conclude(.stopped(signal: number))
            case nil:
                if Date() > deadline { return conclude(.failed(silentCoordinator())) }
            }
        }
        return nil
    }

    // MARK: Watching

    private func watch(_ onTick: () -> Void) -> Outcome {
        while !running.isEmpty {
            switch queue.next(timeoutSeconds: Limits.pollSeconds) {
            case .exited(let name, .status(0)):
                running.remove(name)
            case .exited(let name, let exit):
                running.remove(name)
                let cause = cause(of: name, exit)
                return conclude(.failed(failure(of: cause.name, cause.exit)))
            case .signal(let number):
                return conclude(.stopped(signal: number))
            case nil:
                break
            }
            onTick()
        }
        return .finished
    }

    /// The failure to name where this child was the first to end: a member that was told of the
    /// failure, or lost the peer that failed, may be gone before that peer is.
    private func cause(of name: String, _ exit: ChildExit) -> (name: String, exit: ChildExit) {
        var ends = [(name: name, exit: exit)]
        let deadline = Date(timeIntervalSinceNow: Limits.causeSeconds)
        while !running.isEmpty, Date() < deadline {
            guard case .exited(let name, let exit)? = queue.next(timeoutSeconds: Limits.pollSeconds)
            else { continue }
            running.remove(name)
            if exit != .status(0) { ends.append((name, exit)) }
        }
        return ends.min { $0.exit.distanceFromCause < $1.exit.distanceFromCause } ?? ends[0]
    }

    /// Asks the children to end, waits for all of them, and kills those that do not.
    ///
    /// On a signal the coordinator alone is asked: it stops the run with a checkpoint and lets the
    /// others go. After a failure everybody is; where the coordinator itself is gone nothing can be
    /// saved any more, and the servers would only wait for it.
    private func conclude(_ outcome: Outcome) -> Outcome {
        var deadline: Date
        if !running.contains("coordinator") {
            signalChildren(SIGKILL, roles: [.server, .worker])
            deadline = Date()
        } else if case .stopped = outcome {
            signalChildren(SIGTERM, roles: [.coordinator])
            deadline = Date(timeIntervalSinceNow: Limits.stopTimeoutSeconds)
        } else {
            signalChildren(SIGTERM, roles: [.coordinator, .server, .worker])
            deadline = Date(timeIntervalSinceNow: Limits.failureTimeoutSeconds)
        }
        while !running.isEmpty {
            switch queue.next(timeoutSeconds: Limits.pollSeconds) {
            case .exited(let name, _):
                running.remove(name)
                guard case .stopped = outcome, name == "coordinator" else { continue }
                // Members that it had not met yet would look for it in vain.
                signalChildren(SIGTERM, roles: [.server, .worker])
                deadline = Date(timeIntervalSinceNow: Limits.failureTimeoutSeconds)
            case .signal: signalChildren(SIGKILL, roles: [.coordinator, .server, .worker])
            case nil:
                if Date() > deadline {
                    signalChildren(SIGKILL, roles: [.coordinator, .server, .worker])
                }
            }
        }
        return outcome
    }

    private func signalChildren(_ number: Int32, roles: [ChildProcess.Role]) {
        for child in children where running.contains(child.name) && roles.contains(child.role) {
            kill(child.processIdentifier, number)
        }
    }

    private func failure(of name: String, _ exit: ChildExit) -> Failure {
        guard let child = children.first(where: { $0.name == name }) else {
            preconditionFailure("no child is called \(name)")
        }
        return Failure(
            child: name, exit: exit, logFile: child.logFile,
            lastLines: child.lastLogLines(Limits.reportedLogLines))
    }

    private func silentCoordinator() -> Failure {
        failure(of: "coordinator", .status(69))
    }

    private func installSignalHandlers() {
        // Under `nohup` a hangup stays ignored.
        let hangup = emend_linux_is_ignored(SIGHUP) == 0 ? [SIGHUP] : []
        for number in [SIGINT, SIGTERM] + hangup {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            let queue = queue
            source.setEventHandler { queue.post(.signal(number)) }
            source.resume()
            signalSources.append(source)
        }
    }
}
