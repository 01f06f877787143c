import Glibc

// What follows from the end of a child, from a signal, and from time that has passed.
extension Supervisor {
    /// Takes a child for ended, whatever the stage.
    mutating func bury(
        _ name: ChildName, _ exit: ChildExit, at now: UInt64, into actions: inout [Action]
    ) {
        guard let place = children.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("no child is called \(name)")
        }
        children[place].state = .gone
        switch stage {
        case .running: judge(place, exit, at: now, into: &actions)
        case .blaming(let causes, let deadline):
            if exit != .status(0) {
                stage = .blaming(causes + [Cause(name, exit)], until: deadline)
            }
        case .ending(let outcome, _):
            guard case .stopped = outcome, name == .coordinator else { return }
            dismissMembers(after: exit, outcome, at: now, into: &actions)
        case .ended: break
        }
    }

    /// What the end of a child means for a run that goes on.
    private mutating func judge(
        _ place: Int, _ exit: ChildExit, at now: UInt64, into actions: inout [Action]
    ) {
        let name = children[place].name
        guard name == .coordinator else {
            // Of a run that is over nobody is missed.
            guard !children[place].isLeaving, journaledEnd == nil else { return }
            switch exit.meaning(for: name.role) {
            case .done, .stopped: return
            case .verdict: return blame(Cause(name, exit), at: now)
            case .death: return mourn(place, exit, at: now)
            }
        }
        switch exit.meaning(for: .coordinator) {
        case .done: end(.finished, after: exit, at: now, into: &actions)
        case .stopped(let signal):
            end(.stopped(signal: signal), after: exit, at: now, into: &actions)
        case .verdict: blame(Cause(name, exit), at: now)
        case .death:
            switch journaledEnd {
            case .completed?: end(.finished, after: exit, at: now, into: &actions)
            case .stopped?: end(.stopped(signal: SIGTERM), after: exit, at: now, into: &actions)
            case nil: mourn(place, exit, at: now)
            }
        }
    }

    /// Starts a child that died again, later, or gives the run up.
    private mutating func mourn(_ place: Int, _ exit: ChildExit, at now: UInt64) {
        let name = children[place].name
        guard restart == .auto else { return blame(Cause(name, exit), at: now) }
        children[place].deathsSinceStep += 1
        if !children[place].hasGreeted {
            children[place].earlyDeaths += 1
            if exit != .temporary { children[place].failedStarts += 1 }
        }
        let (failures, deaths) = (children[place].failedStarts, children[place].deathsSinceStep)
        if failures >= limits.failedStarts {
            return blame(Cause(name, exit, .failedStarts(failures)), at: now)
        }
        if deaths >= limits.deathsWithoutStep {
            return blame(Cause(name, exit, .noProgress(deaths: deaths)), at: now)
        }
        var pause = limits.shortestPauseMilliseconds
        for _ in 1..<max(1, children[place].earlyDeaths) {
            pause = min(2 * pause, limits.longestPauseMilliseconds)
        }
        children[place].state = .waiting(until: now + pause, after: exit)
    }

    private mutating func blame(_ cause: Cause, at now: UInt64) {
        stage = .blaming([cause], until: now + limits.causeMilliseconds)
    }

    // MARK: The end

    /// The first signal stops the run with a checkpoint, the next one ends everything at once.
    mutating func stop(_ number: Int32, at now: UInt64, into actions: inout [Action]) {
        switch stage {
        case .running: end(.stopped(signal: number), after: nil, at: now, into: &actions)
        case .blaming(let causes, _): stage = .blaming(causes, until: now)
        case .ending(.finished, _): abandon(.stopped(signal: number), into: &actions)
        case .ending(let outcome, _): abandon(outcome, into: &actions)
        case .ended: break
        }
    }

    /// Starts nobody any more and asks those that run to leave; `exit` is the coordinator's, where
    /// that is what ends the run.
    private mutating func end(
        _ outcome: Outcome, after exit: ChildExit?, at now: UInt64, into actions: inout [Action]
    ) {
        for place in children.indices where children[place].state != .running {
            children[place].state = .gone
        }
        let isLed = children.contains { $0.name == .coordinator && $0.state == .running }
        switch outcome {
        case .finished:
            stage = .ending(outcome, .leaving(until: now + limits.leaveMilliseconds))
        case .stopped where isLed:
            // It stops the run at a checkpoint and lets the others go.
            actions.append(.signal(.coordinator, SIGTERM))
            stage = .ending(outcome, .asked(until: now + limits.stopMilliseconds))
        case .failed where isLed:
            ask(at: now, outcome, into: &actions)
        case .stopped, .failed: dismissMembers(after: exit, outcome, at: now, into: &actions)
        }
    }

    /// Lets the members go once the coordinator has ended.
    ///
    /// Those that it had not met yet would look for it in vain. Where it ended without a word,
    /// nothing can be saved any more, and servers would only wait.
    private mutating func dismissMembers(
        after exit: ChildExit?, _ outcome: Outcome, at now: UInt64, into actions: inout [Action]
    ) {
        if case .status? = exit, case .stopped? = exit?.meaning(for: .coordinator) {
            ask(at: now, outcome, into: &actions)
        } else {
            signalAll(SIGKILL, into: &actions)
            stage = .ending(outcome, .killed)
        }
    }

    private mutating func ask(
        at now: UInt64, _ outcome: Outcome, into actions: inout [Action]
    ) {
        signalAll(SIGTERM, into: &actions)
        stage = .ending(outcome, .asked(until: now + limits.killMilliseconds))
    }

    private mutating func abandon(_ outcome: Outcome, into actions: inout [Action]) {
        signalAll(SIGKILL, into: &actions)
        stage = .ended
        actions.append(.end(outcome))
    }

    private func signalAll(_ number: Int32, into actions: inout [Action]) {
        for child in children where child.state == .running {
            actions.append(.signal(child.name, number))
        }
    }

    // MARK: Time

    mutating func advance(at now: UInt64, into actions: inout [Action]) {
        let isAnyoneRunning = children.contains { $0.state == .running }
        switch stage {
        case .running:
            if !isListening, now > startedAt + limits.listenMilliseconds {
                return blame(Cause(.coordinator, .status(69), .silent), at: now)
            }
            for place in children.indices {
                guard case .waiting(let time, _) = children[place].state, time <= now else {
                    continue
                }
                start(place, into: &actions)
            }
        case .blaming(let causes, let deadline):
            guard now >= deadline || !isAnyoneRunning else { return }
            let cause = causes.min { $0.exit.distanceFromCause < $1.exit.distanceFromCause }
            end(.failed(cause ?? causes[0]), after: nil, at: now, into: &actions)
            advance(at: now, into: &actions)
        case .ending(let outcome, let patience):
            guard isAnyoneRunning else {
                stage = .ended
                return actions.append(.end(outcome))
            }
            losePatience(patience, outcome, at: now, into: &actions)
        case .ended: break
        }
    }

    private mutating func losePatience(
        _ patience: Patience, _ outcome: Outcome, at now: UInt64, into actions: inout [Action]
    ) {
        switch patience {
        case .leaving(let deadline) where deadline <= now: ask(at: now, outcome, into: &actions)
        case .asked(let deadline) where deadline <= now:
            signalAll(SIGKILL, into: &actions)
            stage = .ending(outcome, .killed)
        case .leaving, .asked, .killed: break
        }
    }
}
