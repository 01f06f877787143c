import Configurations
import Foundation
import Synchronization
import Tensors
import TrainingProtocol
import Transport

/// Times how fast workers and servers exchange gradients and parameters: every step of a real run,
/// its messages, checks and updates, but for the computation of the gradients.
///
/// Coordinator, servers and workers are threads of one process that talk as processes of one host do.
public struct ExchangeBenchmark {
    /// Medians over the rounds after the warm-up; a round is a step, from commit to commit.
    public struct Result: Encodable {
        /// Of the parameters, and of each worker's gradient.
        public var megabytes: Double
        /// Workers that push and pull everything in each round.
        public var workers: Int
        /// Servers that the parameters are spread over.
        public var servers: Int
        /// `tcp` or `ipc`.
        public var transport: String
        /// Rounds timed.
        public var rounds: Int
        /// Seconds of a round.
        public var roundSeconds: Double
        /// Bytes pushed and pulled over the time of a round, in 10⁹ a second.
        public var gigabytesPerSecond: Double
        /// What plain ZeroMQ moves in two such streams at once.
        public var bareGigabytesPerSecond: Double
        /// The rate over the bare one.
        public var ratio: Double

        enum CodingKeys: String, CodingKey {
            case megabytes, workers, servers, transport, rounds, ratio
            case roundSeconds = "round_s"
            case gigabytesPerSecond = "gb_per_s"
            case bareGigabytesPerSecond = "bare_zeromq_gb_per_s"
        }
    }

    private static let warmUp = 3
    private let configuration: Configuration
    private let run: MadeUpRun
    private let workers: Int
    private let servers: Int
    private let threads: Int
    private let route: LocalRoute

    /// Prepares a run in `directory`, which must not exist, with checkpoint 0.
    ///
    /// - Parameters:
    ///   - megabytes: of the parameters; rounded to blocks of 2.1.
    ///   - threads: of each server.
    ///   - gradients: what gradients are rounded to on their way.
    /// Throws `CheckpointError` where the directory cannot be written.
    public init(
        directory: String, megabytes: Double, workers: Int, servers: Int, threads: Int,
        route: LocalRoute, gradients: Configuration.Gradients.Format
    ) throws {
        FreedMemory.keep()
        var configuration = Configuration()
        configuration.method = .supervised
        configuration.slots.count = workers
        configuration.gradients.format = gradients
        self.configuration = configuration
        self.workers = workers
        self.servers = servers
        self.threads = threads
        self.route = route
        run = try MadeUpRun(
            configuration, directory: directory,
            blockCount: max(1, Int((megabytes / 2.15).rounded())))
    }

    /// Runs the cluster for so many rounds.
    ///
    /// Throws what kept one of its roles from its end.
    public func run(rounds: Int) throws -> Result {
        let byteCount = run.plan.chunkPlan.chunks.reduce(0) { $0 + $1.byteCount }
        let largestByteCount = run.plan.chunkPlan.chunks.map(\.byteCount).max() ?? 0
        let bare = try BareStreams.byteRate(
            byteCount: byteCount, messageByteCount: largestByteCount,
            passes: 1 + (1 << 28) / byteCount)
        let times = try ExchangeCluster(
            run, workers: workers, servers: servers, threads: threads, route: route
        ).times(ofCommits: Self.warmUp + rounds)
        let gaps = zip(times.dropFirst(), times).map { ($0 - $1) / .seconds(1) }
            .dropFirst(Self.warmUp - 1)
        guard let round = gaps.median else { preconditionFailure("no rounds were timed") }
        let pushedByteCount = run.plan.chunkPlan.chunks.reduce(0) {
            $0 + run.plan.gradientByteCount(of: $1.id)
        }
        let rate = Double(workers * (pushedByteCount + byteCount)) / round
        return Result(
            megabytes: Double(byteCount) / 1e6, workers: workers, servers: servers,
            transport: route.rawValue, rounds: rounds, roundSeconds: round,
            gigabytesPerSecond: rate / 1e9,
            bareGigabytesPerSecond: bare / 1e9, ratio: rate / bare)
    }
}

/// Coordinator, servers and workers as threads.
private struct ExchangeCluster {
    let run: MadeUpRun
    let workers: Int
    let servers: Int
    let threads: Int
    let route: LocalRoute
    private let context: MessagingContext

    init(
        _ run: MadeUpRun, workers: Int, servers: Int, threads: Int, route: LocalRoute
    ) throws {
        self.run = run
        self.route = route
        self.workers = workers
        self.servers = servers
        self.threads = threads
        context = try MessagingContext(ioThreadCount: 1 + Int32(servers + workers))
    }

    /// When the first `count` steps were committed.
    func times(ofCommits count: Int) throws -> [ContinuousClock.Instant] {
        let jobs = try run.openJobs()
        let commits = Commits(count)
        let coordinator = RoleThread<CoordinatorMachine>(
            "coordinator", .listening, following: nil, context, route, thread: 0, jobs,
            { commits.note($0) }
        ) { [run, workers, servers] identity, _ in
            let settings = CoordinatorSettings(
                run: run.runID, coordinatorTerm: CoordinatorTerm(1),
                configuration: run.description.frame, configurationHash: run.description.hash,
                plan: run.plan, serverCount: servers, hintedWorkerCount: workers,
                numericsPolicy: .strict, source: .checkpoint(run.start), startVersion: .initial)
            return CoordinatorMachine(identity: identity, settings: settings, limits: Limits())
        }
        let leader = try coordinator.endpoint()
        var others: [any Ending] = []
        for index in 0..<servers {
            let jobs = ServerJobs(
                run: run.directory, threadCount: threads,
                kernels: try InstructionSet.auto.kernels())
            others.append(
                RoleThread<ServerMachine>(
                    "server \(index)", .listening, following: leader, context, route,
                    thread: 1 + index,
                    jobs
                ) { identity, endpoint in
                    ServerMachine(
                        identity: identity, advertisedEndpoint: endpoint?.description ?? "",
                        configurationHash: nil, limits: Limits())
                })
        }
        for index in 0..<workers {
            others.append(
                RoleThread<WorkerMachine>(
                    "worker \(index)", .silent, following: leader, context, route,
                    thread: 1 + servers + index, ExchangeJobs(run)
                ) { identity, _ in
                    WorkerMachine(
                        identity: identity, numericsClass: NumericsClass("exchange"),
                        configurationHash: nil, limits: Limits())
                })
        }
        let times = commits.wait()
        coordinator.stop()
        try coordinator.end()
        for other in others { try other.end() }
        return times
    }
}

/// Takes the time of each commit, until enough are there.
private final class Commits: Sendable {
    private let times = Mutex<[ContinuousClock.Instant]>([])
    private let enough = DispatchSemaphore(value: 0)
    private let count: Int

    init(_ count: Int) { self.count = count }

    func note(_ observation: Observation) {
        guard case .stepCommitted = observation else { return }
        let isEnough = times.withLock {
            $0.append(.now)
            return $0.count == count
        }
        if isEnough { enough.signal() }
    }

    func wait() -> [ContinuousClock.Instant] {
        enough.wait()
        return times.withLock { Array($0.prefix(count)) }
    }
}

private protocol Ending {
    func end() throws
}

/// One role's loop on a thread of its own.
private final class RoleThread<Machine: RoleMachine>: Ending, Sendable {
    enum Listening { case listening, silent }

    private struct State: Sendable {
        var opening: Result<(Endpoint?, RoleLoop<Machine>.Controls), any Error>?
        var reason: TerminationReason?
    }

    private let name: String
    private let state = Mutex(State())
    private let opened = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    init(
        _ name: String, _ listening: Listening, following leader: Endpoint?,
        _ context: MessagingContext, _ route: LocalRoute, thread: Int,
        _ jobs: any JobRunner,
        _ report: @escaping @Sendable (Observation) -> Void = { _ in },
        _ machine: @escaping @Sendable (ProcessIdentity, Endpoint?) -> Machine
    ) {
        self.name = name
        Thread { [self] in
            let identity = ProcessIdentity(
                incarnation: .random(), build: BuildIdentity.build, host: "localhost",
                processID: UInt32(ProcessInfo.processInfo.processIdentifier), threadCount: 1)
            do {
                // As a process of its own would, each role has a thread that moves its bytes.
                var limits = TransportLimits()
                limits.ioThread = thread
                limits.localRoute = route
                let loop = try RoleLoop<Machine>(
                    LoopSetup(
                        incarnation: identity.incarnation,
                        listen: listening == .listening
                            ? Endpoint(host: "127.0.0.1", port: 0) : nil,
                        coordinator: leader, limits: limits),
                    context: context, jobs: jobs, report: report, observe: { _ in })
                open(.success((loop.endpoint, loop.controls)))
                var machine = machine(identity, loop.endpoint)
                let reason = loop.run(&machine)
                state.withLock { $0.reason = reason }
            } catch {
                open(.failure(error))
            }
            ended.signal()
        }.start()
    }

    private func open(_ result: Result<(Endpoint?, RoleLoop<Machine>.Controls), any Error>) {
        state.withLock { $0.opening = result }
        opened.signal()
    }

    func endpoint() throws -> Endpoint? {
        opened.wait()
        return try state.withLock { try $0.opening?.get().0 }
    }

    func stop() { state.withLock { try? $0.opening?.get().1.requestStop() } }

    func end() throws {
        ended.wait()
        let (reason, opening) = state.withLock { ($0.reason, $0.opening) }
        _ = try opening?.get()
        switch reason {
        case .completed, .stopped: return
        case let reason:
            throw RoleError.exchange("\(name) ended with \(reason, default: "nothing")")
        }
    }
}
