import Foundation

/// A run on this machine: one coordinator, servers and workers, as children of this process.
///
/// Children die with this process even when it is killed: each is told its parent and asks the kernel
/// to be killed with it. What is started, and when, is decided by a `Supervisor`.
public final class LocalCluster {
    /// How the run ended.
    public enum Outcome: Sendable {
        case finished
        case failed(Failure)
        /// A signal asked this process or the coordinator to stop, and every child has ended.
        case stopped(signal: Int32)
    }

    /// The child that ended the run.
    public struct Failure: Error, CustomStringConvertible {
        /// How it ended.
        public let exit: ChildExit
        /// What happened, where its log is, and the log's last lines.
        public let description: String
    }

    private enum Limits {
        static let pollSeconds = 0.1
        static let reportedLogLines = 20
    }

    private let layout: ClusterLayout
    private let queue = EventQueue<Int32>()
    private let onNote: (String) -> Void
    private var supervisor: Supervisor
    private var follower: RunFollower
    private var processes: [ChildProcess] = []
    /// Of those that could not be started.
    private var failedStarts: [(name: ChildName, exit: ChildExit)] = []
    private var endpoint: String?
    private var outcome: Supervisor.Outcome?
    private let beginning = ContinuousClock.now

    /// A cluster that has not been started; `onNote` gets a sentence where something happened that
    /// the user should know.
    public init(_ layout: ClusterLayout, onNote: @escaping (String) -> Void) {
        self.layout = layout
        self.onNote = onNote
        supervisor = Supervisor(
            restart: layout.restart, servers: layout.servers, workers: layout.workers)
        follower = RunFollower(run: layout.run)
    }

    /// Starts every process, follows `metrics.jsonl`, and returns when all children have ended.
    ///
    /// `onMetrics` gets each new line; `onTick` is called about ten times a second.
    public func run(
        _ signals: SignalWatch, onMetrics: (Data) -> Void, onTick: () -> Void
    ) throws -> Outcome {
        try? FileManager.default.removeItem(
            at: layout.run.appendingPathComponent("coordinator.endpoint"))
        signals.deliver(to: queue)
        defer { signals.endAtOnce() }
        handle(.began)
        while outcome == nil {
            if let number = queue.next(timeoutSeconds: Limits.pollSeconds) {
                handle(.signalled(number))
            }
            look(onMetrics)
            onTick()
        }
        follower.newMetrics().forEach(onMetrics)
        return told(outcome ?? .finished)
    }

    // MARK: Events

    /// Tells the supervisor what has happened since the last look.
    private func look(_ onMetrics: (Data) -> Void) {
        // First, for what a child wrote before its end is told before it.
        let exits = takeExits()
        if endpoint == nil, let bound = follower.endpoint() {
            endpoint = bound
            handle(.listening)
        }
        for process in follower.newMembers() {
            guard let name = exits.names[process] ?? name(of: process) else { continue }
            handle(.greeted(name))
            handle(.greeted(.coordinator))
        }
        for fact in follower.newFacts() { handle(Supervisor.Event(fact)) }
        let lines = follower.newMetrics()
        lines.forEach(onMetrics)
        if !lines.isEmpty { handle(.stepCommitted) }
        for (name, exit) in exits.ends { handle(.exited(name, exit)) }
        handle(.ticked)
    }

    private func takeExits() -> (ends: [(ChildName, ChildExit)], names: [Int32: ChildName]) {
        var ends: [(ChildName, ChildExit)] = failedStarts
        failedStarts = []
        var names: [Int32: ChildName] = [:]
        processes.removeAll { process in
            guard let exit = process.takeExit() else { return false }
            ends.append((process.name, exit))
            names[process.processIdentifier] = process.name
            return true
        }
        return (ends, names)
    }

    private func name(of process: Int32) -> ChildName? {
        processes.first { $0.processIdentifier == process }?.name
    }

    private func handle(_ event: Supervisor.Event) {
        guard outcome == nil else { return }
        var actions: [Supervisor.Action] = []
        let now = UInt64((ContinuousClock.now - beginning) / .milliseconds(1))
        supervisor.handle(event, at: now, into: &actions)
        for action in actions { perform(action) }
    }

    // MARK: Actions

    private func perform(_ action: Supervisor.Action) {
        switch action {
        case .start(let name, let number): start(name, number)
        case .signal(let name, let number):
            processes.first { $0.name == name }?.signal(number)
        case .tell(let notice): onNote("\(notice)")
        case .end(let outcome): self.outcome = outcome
        }
    }

    private func start(_ name: ChildName, _ number: Int) {
        let log = ChildLog(name, run: layout.run)
        do {
            try log.begin(start: number)
            let parent = String(ProcessInfo.processInfo.processIdentifier)
            processes.append(
                try ChildProcess(
                    name, program: layout.program(of: name.role),
                    arguments: layout.arguments(of: name, endpoint: endpoint)
                        + ["--exit-with-parent", parent], log: log.file.path))
        } catch {
            try? log.append("\(error)\n")
            let failure = error as? ChildProcess.StartFailure
            failedStarts.append((name, failure?.exit ?? .temporary))
        }
    }

    private func told(_ outcome: Supervisor.Outcome) -> Outcome {
        switch outcome {
        case .finished: .finished
        case .stopped(let signal): .stopped(signal: signal)
        case .failed(let cause): .failed(failure(cause))
        }
    }

    private func failure(_ cause: Supervisor.Cause) -> Failure {
        let log = ChildLog(cause.child, run: layout.run)
        let tail = log.lastLines(Limits.reportedLogLines).map { "    \($0)" }
            .joined(separator: "\n")
        return Failure(
            exit: cause.exit,
            description: "\(cause); the last lines of \(log.file.path):\n\(tail)")
    }
}

extension Supervisor.Event {
    init(_ fact: JournalFact) {
        self =
            switch fact {
            case .workersWanted(let count): .workersWanted(count)
            case .completed: .finished(.completed)
            case .stopped: .finished(.stopped)
            }
    }
}

extension Supervisor.Cause: CustomStringConvertible {
    /// As told to the user.
    package var description: String {
        switch reason {
        case .ended: "\(child) ended with \(exit)"
        case .failedStarts(let count):
            "\(child) ended with \(exit), \(count) times in a row before it took part in the run"
        case .noProgress(let deaths):
            "\(child) ended with \(exit), \(deaths) times in a row without a step of the run"
        case .silent: "\(child) did not begin to listen in time"
        }
    }
}

extension Supervisor.Notice: CustomStringConvertible {
    /// As told to the user.
    package var description: String {
        switch self {
        case .startedAgain(let name, let exit): "\(name) ended with \(exit); started again"
        case .scaled(let workers): "the run is to have \(workers) workers"
        }
    }
}
