import Glibc

/// Decides which processes of a local run live, and when the run is over: a pure value that is told
/// what happened and when.
///
/// A child that died is started again after a pause, which doubles until the child is welcomed by
/// the run. Some ends are verdicts (`ChildExit.meaning`): they end the run, as does a child that
/// cannot be started, or that dies again and again while no step is committed.
package struct Supervisor: Sendable {
    /// What happened.
    package enum Event: Equatable, Sendable {
        case began
        /// The coordinator has bound its address: members can find it.
        case listening
        /// The coordinator has met the child. Of the coordinator itself: it has met somebody.
        case greeted(ChildName)
        case stepCommitted
        /// The journal holds a new scale of the run.
        case workersWanted(Int)
        /// The journal says that the run is over.
        case finished(RunEnd)
        case exited(ChildName, ChildExit)
        /// This process got a signal that asks it to stop.
        case signalled(Int32)
        /// Time has passed.
        case ticked
    }

    /// What to do, in order.
    package enum Action: Equatable, Sendable {
        /// `number` counts the starts of this child, from 1.
        case start(ChildName, number: Int)
        case signal(ChildName, Int32)
        case tell(Notice)
        /// The last action.
        case end(Outcome)
    }

    /// What the user is told while the run goes on.
    package enum Notice: Equatable, Sendable {
        case startedAgain(ChildName, after: ChildExit)
        case scaled(workers: Int)
    }

    /// How a run ended for its journal.
    package enum RunEnd: Equatable, Sendable {
        case completed, stopped
    }

    /// How the run ended.
    package enum Outcome: Equatable, Sendable {
        case finished
        case stopped(signal: Int32)
        case failed(Cause)
    }

    /// The child whose end ended the run.
    package struct Cause: Equatable, Sendable {
        package enum Reason: Equatable, Sendable {
            case ended
            /// It died so often in a row before it was welcomed.
            case failedStarts(Int)
            /// It died so often while no step was committed.
            case noProgress(deaths: Int)
            /// The coordinator did not bind an address in time.
            case silent
        }

        package let child: ChildName
        package let exit: ChildExit
        package let reason: Reason

        package init(_ child: ChildName, _ exit: ChildExit, _ reason: Reason = .ended) {
            self.child = child
            self.exit = exit
            self.reason = reason
        }
    }

    /// Bounds and deadlines.
    package struct Limits: Sendable {
        package var failedStarts = 3
        package var deathsWithoutStep = 10
        package var shortestPauseMilliseconds: UInt64 = 100
        package var longestPauseMilliseconds: UInt64 = 5_000
        /// The coordinator reads every file of the data set before it listens.
        package var listenMilliseconds: UInt64 = 600_000
        /// Others may end before the child whose failure they follow.
        package var causeMilliseconds: UInt64 = 1_000
        /// Beyond what the protocol gives a stopped run for its steps and last checkpoint.
        package var stopMilliseconds: UInt64 = 150_000
        /// Members of a complete run leave by themselves.
        package var leaveMilliseconds: UInt64 = 5_000
        /// From SIGTERM to SIGKILL.
        package var killMilliseconds: UInt64 = 20_000

        package init() {}
    }

    struct Child: Sendable {
        enum State: Equatable, Sendable {
            case running
            case waiting(until: UInt64, after: ChildExit)
            case gone
        }

        let name: ChildName
        var state = State.gone
        var starts = 0
        var hasGreeted = false
        /// In a row, without a welcome; the pauses grow with it.
        var earlyDeaths = 0
        /// Those of them in which the coordinator did not ask for patience.
        var failedStarts = 0
        var deathsSinceStep = 0
        /// It was asked to leave, and is not missed.
        var isLeaving = false
    }

    enum Stage: Equatable, Sendable {
        case running
        /// A child's failure ends the run; which one's is about to show.
        case blaming([Cause], until: UInt64)
        case ending(Outcome, Patience)
        case ended
    }

    /// What those that still run are given.
    enum Patience: Equatable, Sendable {
        /// They leave by themselves.
        case leaving(until: UInt64)
        /// They were asked to.
        case asked(until: UInt64)
        case killed
    }

    let restart: RestartPolicy
    let servers: Int
    let limits: Limits
    var workersWanted: Int
    var stage = Stage.running
    /// In the order of their first starts.
    var children: [Child] = []
    var isListening = false
    var startedAt: UInt64 = 0
    var journaledEnd: RunEnd?

    /// A run with so many members, none of which is started yet.
    package init(restart: RestartPolicy, servers: Int, workers: Int, limits: Limits = Limits()) {
        precondition(servers > 0 && workers > 0, "\(servers) servers, \(workers) workers")
        self.restart = restart
        self.servers = servers
        self.limits = limits
        workersWanted = workers
    }

    /// Takes in what happened at `now`, in milliseconds of any clock that never goes back.
    package mutating func handle(
        _ event: Event, at now: UInt64, into actions: inout [Action]
    ) {
        switch event {
        case .began:
            startedAt = now
            add(.coordinator, into: &actions)
        case .listening: startMembers(into: &actions)
        case .greeted(let name): welcome(name)
        case .stepCommitted:
            for place in children.indices { children[place].deathsSinceStep = 0 }
        case .workersWanted(let count): scale(to: count, into: &actions)
        case .finished(let end): journaledEnd = end
        case .exited(let name, let exit): bury(name, exit, at: now, into: &actions)
        case .signalled(let number): stop(number, at: now, into: &actions)
        case .ticked: break
        }
        advance(at: now, into: &actions)
    }

    // MARK: Starting

    mutating func add(_ name: ChildName, into actions: inout [Action]) {
        children.append(Child(name: name))
        start(children.count - 1, into: &actions)
    }

    mutating func start(_ place: Int, into actions: inout [Action]) {
        if case .waiting(_, let exit) = children[place].state {
            actions.append(.tell(.startedAgain(children[place].name, after: exit)))
        }
        children[place].state = .running
        children[place].starts += 1
        children[place].hasGreeted = false
        actions.append(.start(children[place].name, number: children[place].starts))
    }

    private mutating func startMembers(into actions: inout [Action]) {
        guard stage == .running, !isListening else { return }
        isListening = true
        for index in 0..<servers { add(.server(index), into: &actions) }
        for index in 0..<workersWanted { add(.worker(index), into: &actions) }
    }

    private mutating func welcome(_ name: ChildName) {
        for place in children.indices where children[place].name == name {
            children[place].hasGreeted = true
            children[place].failedStarts = 0
            children[place].earlyDeaths = 0
        }
    }

    // MARK: Scale

    /// Workers are added under new numbers; the youngest ones leave.
    private mutating func scale(to count: Int, into actions: inout [Action]) {
        workersWanted = count
        guard stage == .running, isListening else { return }
        let present = children.indices.filter {
            children[$0].name.role == .worker && children[$0].state != .gone
                && !children[$0].isLeaving
        }
        guard present.count != count else { return }
        actions.append(.tell(.scaled(workers: count)))
        for place in present.dropFirst(count).reversed() {
            children[place].isLeaving = true
            if children[place].state == .running {
                actions.append(.signal(children[place].name, SIGTERM))
            } else {
                children[place].state = .gone
            }
        }
        var next = children.count { $0.name.role == .worker }
        for _ in present.count..<max(count, present.count) {
            add(.worker(next), into: &actions)
            next += 1
        }
    }
}
