import TrainingProtocol

// What goes wrong, and how it is put right: as a launcher, a network and an operator would.
extension Simulation {
    mutating func scheduleFaults() {
        for kind in FaultKind.allCases { schedule(kind) }
    }

    /// The next fault of the kind, where one still comes before the faults end.
    private mutating func schedule(_ kind: FaultKind) {
        let interval = kind.interval(options)
        guard interval > 0 else { return }
        let time = at(1 + random.below(2 * interval))
        let end = Instant(nanoseconds: 0).advanced(milliseconds: options.faultsEndMilliseconds)
        guard time < end else { return }
        queue.add(.fault(kind), at: time)
    }

    mutating func strike(_ kind: FaultKind) throws(InvariantViolation) {
        defer { schedule(kind) }
        guard ended == nil else { return }
        switch kind {
        case .workerCrash: try crashAny(.worker)
        case .serverCrash: try crashAny(.server)
        case .coordinatorCrash: try crashAny(.coordinator)
        case .blackout: for place in living() { try crash(place, drawVisibility()) }
        case .pause: pause()
        case .partition: partition()
        case .workerLeave: leave(.worker)
        case .serverLeave: leave(.server)
        case .workerJoin: if living(.worker).count < options.workerCount + 3 { join(.worker) }
        case .serverJoin: if living(.server).count < options.serverCount + 3 { join(.server) }
        }
    }

    private func living(_ role: Role? = nil) -> [Int] {
        processes.indices.filter {
            processes[$0].isAlive && (role == nil || processes[$0].role == role)
        }
    }

    private mutating func crashAny(_ role: Role) throws(InvariantViolation) {
        guard let victim = living(role).randomElement(using: &random) else { return }
        try crash(victim, drawVisibility())
    }

    /// Whether a death shows: that of a process does at once, by its reset connections, and what it
    /// wrote is in its host's memory; that of a host does not, and takes that memory with it.
    enum Visibility { case seen, unseen }

    private mutating func drawVisibility() -> Visibility {
        random.happens(oneIn: 3) ? .unseen : .seen
    }

    mutating func crash(_ process: Int, _ visibility: Visibility) throws(InvariantViolation) {
        end(process)
        tell { "\($0.processes[process].name) crashes, \(visibility)" }
        switch visibility {
        case .seen: disconnect(process)
        case .unseen:
            jobs.disk.fileSystem.crash(of: processes[process].host, seed: random.next())
            try jobs.disk.check()
        }
        restart(process)
    }

    /// Whoever was connected to the process sees the connection end.
    private mutating func disconnect(_ process: Int) {
        let peer = Peer.member(processes[process].incarnation)
        for other in processes.indices where processes[other].connections.contains(process) {
            let time = at(1 + random.below(options.delayMilliseconds + 1))
            queue.add(.event(.disconnected(peer), process: other), at: time)
        }
    }

    /// Another process takes the place of one that died.
    mutating func restart(_ process: Int) {
        let delay = 1 + random.below(options.restartMilliseconds)
        let host = processes[process].host
        switch processes[process].role {
        case .coordinator: addCoordinator(after: delay, on: host)
        case .server: addServer(after: delay, on: host)
        case .worker: addWorker(after: delay, on: host)
        case .observer: break
        }
    }

    private mutating func pause() {
        guard let victim = living().randomElement(using: &random) else { return }
        let milliseconds = 1 + random.below(5_000)
        processes[victim].pausedUntil = at(milliseconds)
        tell { "\($0.processes[victim].name) pauses for \(milliseconds) ms" }
    }

    private mutating func leave(_ role: Role) {
        guard let leaver = living(role).randomElement(using: &random) else { return }
        // A run whose only server goes stops with a checkpoint; that is another story.
        if role == .server && living(.server).count < 2 { return }
        tell { "\($0.processes[leaver].name) is asked to leave" }
        queue.add(.event(.stopRequested, process: leaver), at: now)
    }

    private mutating func join(_ role: Role) {
        switch role {
        case .worker: addWorker(after: 1)
        default: addServer(after: 1)
        }
    }

    /// Cuts some links: both ways or one way, between one process and some or all of the others.
    private mutating func partition() {
        let alive = living()
        guard let one = alive.randomElement(using: &random) else { return }
        let others = alive.filter { $0 != one }
        let side =
            random.happens(oneIn: 2) ? others : Array(others.shuffled(using: &random).prefix(1))
        var cuts = [Partition(senders: [one], receivers: side)]
        switch random.below(3) {
        case 0: cuts = [Partition(senders: side, receivers: [one])]
        case 1: cuts.append(Partition(senders: side, receivers: [one]))
        default: break
        }
        let milliseconds = 100 + random.below(3_000)
        tell {
            "cut for \(milliseconds) ms: \(one) and \(side) in \(cuts.count) directions, \($0.processes[one].name)"
        }
        for cut in cuts {
            partitions.append(cut)
            queue.add(.heal(cut), at: at(milliseconds))
        }
        // Heartbeats of the connection fail after a while.
        guard milliseconds > 900 else { return }
        for other in side {
            for (here, there) in [(one, other), (other, one)]
            where processes[here].connections.contains(there) {
                let peer = Peer.member(processes[there].incarnation)
                queue.add(.event(.disconnected(peer), process: here), at: at(900))
            }
        }
    }
}
