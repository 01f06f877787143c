import TrainingProtocol

/// A whole cluster in virtual time: the real machines and the real wire format, seeded chance.
///
/// First things go wrong, and nothing wrong may come of it (safety); then they stop, and the run
/// must finish (liveness). Whoever dies is started again, as a launcher would.
package struct Simulation {
    /// What a simulation that broke no invariant came to.
    package struct Outcome: Sendable {
        /// Of the last coordinator.
        package let termination: TerminationReason
        package let terminations: [(name: String, reason: TerminationReason?)]
        package let observations: [Observation]
        package let virtualMilliseconds: UInt64
        package let eventCount: Int
        package let messageCount: Int
        /// Of every message and its time: equal seeds give equal traces.
        package let traceHash: UInt64
        package let manifests: [CheckpointReference]
        package let plan: RunPlan
    }

    let seed: UInt64
    let options: SimulationOptions
    var random: SplitMix64
    var queue = EventQueue()
    var processes: [SimulatedProcess] = []
    /// Where the coordinator's address leads.
    var coordinator = 0
    private var timers: [(process: Int, timer: TimerID, generation: UInt64)] = []
    private var timerGeneration: UInt64 = 0
    /// When the last message of a link arrives: a link keeps its order.
    private var links: [Link: Instant] = [:]
    var partitions: [Partition] = []
    /// By scripted fault: messages that it waits for and that were sent.
    var sentByScript: [Int] = []
    var jobs: SimulatedJobs
    private var checker = InvariantChecker()
    private let wire = Wire()
    var now = Instant(nanoseconds: 0)
    private let story: Story
    var lines: [String] = []
    private var observations: [Observation] = []
    private var eventCount = 0
    private var messageCount = 0
    private var traceHash: UInt64 = 0

    private struct Link: Hashable {
        let from: Int
        let to: Int
    }

    /// Runs one seed to its end.
    ///
    /// - Throws: `SimulationFailure` where an invariant is broken or the run does not end in time.
    package static func run(
        seed: UInt64, options: SimulationOptions? = nil
    ) throws(SimulationFailure) -> Outcome {
        let options = options ?? SimulationOptions.swarm(seed: seed)
        do {
            var simulation = try Simulation(seed: seed, options: options, story: .untold)
            return try simulation.run()
        } catch {
            throw SimulationFailure(
                seed: seed, options: options, violation: error,
                story: story(seed: seed, options: options))
        }
    }

    /// What happens in a seed's run, in words, whether it ends well or not.
    package static func story(
        seed: UInt64, options: SimulationOptions? = nil
    ) -> [String] {
        let options = options ?? SimulationOptions.swarm(seed: seed)
        var simulation: Simulation
        do { simulation = try Simulation(seed: seed, options: options, story: .told) } catch {
            return ["\(error)"]
        }
        do { _ = try simulation.run() } catch { simulation.lines.append("\(error)") }
        return simulation.lines
    }

    /// Words take most of a simulation's time, so they are only found for a run that failed.
    private enum Story {
        case told, untold
    }

    private init(
        seed: UInt64, options: SimulationOptions, story: Story
    ) throws(InvariantViolation) {
        self.story = story
        self.seed = seed
        self.options = options
        random = SplitMix64(seed: seed)
        jobs = SimulatedJobs(
            workload: SyntheticWorkload(options: options, seed: seed),
            checkpointsKept: options.checkpointsKept)
        jobs.disk.firstStep = options.startVersion
        try jobs.storeCheckpoint(Version(options.startVersion))
        addCluster()
        scheduleFaults()
        scheduleScript()
    }

    // MARK: Processes

    private mutating func addCluster() {
        addCoordinator(after: 0)
        for _ in 0..<options.serverCount { addServer(after: random.below(200)) }
        for _ in 0..<options.workerCount { addWorker(after: random.below(300)) }
        if let stop = options.stopMilliseconds {
            queue.add(.event(.stopRequested, process: 0), at: at(stop))
        }
    }

    func at(_ milliseconds: UInt64) -> Instant { now.advanced(milliseconds: milliseconds) }

    mutating func addCoordinator(after milliseconds: UInt64, on host: Int? = nil) {
        coordinator = add(.coordinator, "coordinator", after: milliseconds, on: host)
    }

    mutating func addServer(after milliseconds: UInt64, on host: Int? = nil) {
        let limits = options.limits
        let place = add(.server, "server", after: milliseconds, on: host)
        processes[place].server = ServerMachine(
            identity: identity(place), advertisedEndpoint: "sim:\(place)",
            configurationHash: nil, limits: limits)
    }

    mutating func addWorker(after milliseconds: UInt64, on host: Int? = nil) {
        let limits = options.limits
        let place = add(.worker, "worker", after: milliseconds, on: host)
        processes[place].worker = WorkerMachine(
            identity: identity(place), numericsClass: NumericsClass("simulated"),
            configurationHash: nil, limits: limits)
    }

    private func identity(_ place: Int) -> ProcessIdentity {
        ProcessIdentity(
            incarnation: processes[place].incarnation, build: Build("simulated"),
            host: "host-\(processes[place].host)", processID: UInt32(place), threadCount: 1)
    }

    /// - Parameter host: one of its own where there is none.
    private mutating func add(
        _ role: Role, _ name: String, after milliseconds: UInt64, on host: Int?
    ) -> Int {
        let place = processes.count
        let incarnation = Incarnation(high: seed, low: UInt64(place))
        var process = SimulatedProcess(
            name: "\(name)-\(place)", role: role, incarnation: incarnation, host: host ?? place)
        if options.clockSkew == .tenth {
            process.clock.offsetNanoseconds = random.below(3_600) * 1_000_000_000
            process.clock.rate = 900 + random.below(201)
        }
        processes.append(process)
        queue.add(.start(process: place), at: at(milliseconds))
        return place
    }

    /// A coordinator has read the disk, and begins.
    mutating func begin(_ run: OpenedRun, as place: Int) throws(InvariantViolation) {
        let recovered = RecoveredRun(run.facts)
        let isFresh = run.facts.isEmpty
        let term = CoordinatorTerm(recovered.coordinatorTerm.number + 1)
        let isEveryoneGone = processes.indices.allSatisfy { $0 == place || !processes[$0].isAlive }
        let settings = CoordinatorSettings(
            run: RunID(high: seed, low: 7), coordinatorTerm: term,
            configuration: Frame(copying: Array("{}".utf8)),
            configurationHash: contentHash(of: 1), plan: jobs.plan,
            serverCount: options.serverCount, hintedWorkerCount: options.workerCount,
            numericsPolicy: .strict, source: .checkpoint(run.start),
            startVersion: run.start.version,
            predecessors: isFresh ? .none : isEveryoneGone ? .gone(recovered) : .alive(recovered),
            recordedThrough: jobs.disk.recordedThrough)
        processes[place].coordinator = CoordinatorMachine(
            identity: identity(place), settings: settings, limits: options.limits)
        processes[place].storage.journal = run.journal
        try deliver(.started, to: place)
    }

    // MARK: The loop

    private mutating func run() throws(InvariantViolation) -> Outcome {
        let deadline = options.faultsEndMilliseconds + options.deadlineMilliseconds
        while let (time, happening) = queue.next() {
            now = time
            eventCount += 1
            guard now.milliseconds(since: Instant(nanoseconds: 0)) <= deadline else {
                throw InvariantViolation("no end after \(deadline) ms")
            }
            try handle(happening)
            if isOver { break }
        }
        return try outcome()
    }

    private var isOver: Bool {
        ended != nil && processes.allSatisfy { !$0.isAlive }
    }

    /// How the run ended, if it has: a coordinator that was killed, or could not write, does not
    /// end it.
    var ended: TerminationReason? {
        switch processes[coordinator].termination {
        case .jobFailed(let failure)? where failure.kind == .storage: nil
        case .checkpointFailed?: nil
        case let reason: reason
        }
    }

    private mutating func handle(_ happening: EventQueue.Happening) throws(InvariantViolation) {
        switch happening {
        case .start(let process): try start(process)
        case .timer(let timer, let process, let generation):
            guard
                timers.contains(where: {
                    $0.process == process && $0.timer == timer && $0.generation == generation
                })
            else { return }
            if postpone(happening, process) { return }
            try deliver(.timerFired(timer), to: process)
        case .event(let event, let process):
            if postpone(happening, process) { return }
            try deliver(event, to: process)
        case .storage(let process, let lane):
            if postpone(happening, process) { return }
            try advanceStorage(of: process, lane)
        case .fault(let kind): try strike(kind)
        case .scripted(let index): try strike(options.script[index])
        case .heal(let partition):
            if let place = partitions.firstIndex(of: partition) { partitions.remove(at: place) }
        }
    }

    /// What happens to a paused process happens when it goes on.
    private mutating func postpone(_ happening: EventQueue.Happening, _ process: Int) -> Bool {
        guard now < processes[process].pausedUntil else { return false }
        queue.add(happening, at: processes[process].pausedUntil)
        return true
    }

    private mutating func start(_ process: Int) throws(InvariantViolation) {
        // Nobody joins a run that is over.
        guard ended == nil else { return }
        processes[process].isAlive = true
        tell { "\($0.processes[process].name) starts" }
        switch processes[process].role {
        case .coordinator: try enqueue(.opening, as: nil, of: process)
        case .server, .worker, .observer: try deliver(.started, to: process)
        }
    }

    private mutating func outcome() throws(InvariantViolation) -> Outcome {
        guard let termination = ended else {
            throw InvariantViolation("the coordinator never ended")
        }
        if let left = processes.first(where: { $0.isAlive }) {
            throw InvariantViolation("\(left.name) outlives the run")
        }
        guard isExpected(termination) else {
            throw InvariantViolation("the coordinator ended: \(termination)")
        }
        try jobs.disk.loseAll(seed: random.next())
        if termination == .completed {
            guard jobs.disk.manifests.last?.version == jobs.plan.finalVersion else {
                throw InvariantViolation("the run completed without its last checkpoint")
            }
            guard jobs.disk.recordedThrough == jobs.plan.finalVersion else {
                throw InvariantViolation(
                    "the run completed and its ledger is at \(jobs.disk.recordedThrough)")
            }
        }
        return Outcome(
            termination: termination,
            terminations: processes.map { ($0.name, $0.termination) },
            observations: observations,
            virtualMilliseconds: now.milliseconds(since: Instant(nanoseconds: 0)),
            eventCount: eventCount, messageCount: messageCount, traceHash: traceHash,
            manifests: jobs.disk.manifests, plan: jobs.plan)
    }

    /// Faults end no run; an operator does, and a server that leaves while it is the only one.
    private func isExpected(_ termination: TerminationReason) -> Bool {
        switch termination {
        case .completed: true
        case .stopped:
            options.stopMilliseconds != nil || options.serverLeaveMilliseconds > 0
                || options.script.contains { $0.action == .leave }
        default: false
        }
    }

    private mutating func deliver(_ event: Event, to process: Int) throws(InvariantViolation) {
        guard processes[process].isAlive else { return }
        if case .received(let message, let peer) = event {
            if case .member(let incarnation) = peer {
                let sender = Int(incarnation.low)
                if !processes[process].connections.contains(sender) {
                    processes[process].connections.append(sender)
                }
            }
            if case .pullRefused(let refused) = message.body {
                try checker.check(refused, term: message.header.shardTerm, jobs.plan)
            }
            if isWorthTelling(message.body) {
                tell {
                    "\($0.processes[process].name) ← \(peer): \(summary(of: message.body))"
                }
            }
        }
        if case .finished(let job, .journaled) = event,
            let opening = processes[process].opening, opening.job == job
        {
            try checker.began(opening.term)
        }
        var effects: [Effect] = []
        processes[process].handle(event, at: now, into: &effects)
        try checkFence(event, effects, of: process)
        for effect in effects {
            try perform(effect, of: process)
            // A crash in the middle of what it does takes the rest with it.
            if hasCrashed(process) { return }
        }
        guard processes[process].isAlive, let server = processes[process].server else { return }
        try checker.check(server, process: process)
    }

    private func checkFence(
        _ event: Event, _ effects: [Effect], of process: Int
    ) throws(InvariantViolation) {
        guard case .received(let message, _) = event, case .push(let push) = message.body,
            let server = processes[process].server
        else { return }
        let isTakenUp = effects.contains {
            if case .start(_, .inspect) = $0 { true } else { false }
        }
        guard isTakenUp else { return }
        try checker.check(push, term: message.header.shardTerm, takenUpBy: server)
    }

    // MARK: Effects

    private mutating func perform(
        _ effect: Effect, of process: Int
    ) throws(InvariantViolation) {
        switch effect {
        case .connect(.server(let server), let endpoint):
            guard let place = Int(endpoint.dropFirst("sim:".count)) else { return }
            processes[process].links.removeAll { $0.server == server }
            processes[process].links.append((server, place))
        case .connect: break
        case .disconnect(.server(let server)):
            processes[process].links.removeAll { $0.server == server }
        case .disconnect: break
        case .send(let message, let peer):
            try followScript(.before, message.body, of: process)
            if hasCrashed(process) { return }
            try send(message, from: process, to: peer)
            try followScript(.after, message.body, of: process)
        case .setTimer(let timer, let deadline):
            timers.removeAll { $0.process == process && $0.timer == timer }
            timerGeneration += 1
            timers.append((process, timer, timerGeneration))
            #if PLANTED_ONE_CLOCK
                let time = max(now, deadline)
            #else
                let time = max(now, processes[process].clock.time(of: deadline))
            #endif
            queue.add(.timer(timer, process: process, generation: timerGeneration), at: time)
        case .cancelTimer(let timer):
            timers.removeAll { $0.process == process && $0.timer == timer }
        case .start(let id, let job): try start(id, job, of: process)
        case .report(let observation):
            note(observation, of: process)
            try checker.check(observation, of: processes[process].name)
        case .terminate(let reason):
            terminate(process, reason)
            try checker.check(reason, of: processes[process].name)
        }
    }

    private func hasCrashed(_ process: Int) -> Bool {
        !processes[process].isAlive && processes[process].termination == nil
    }

    private mutating func note(_ observation: Observation, of process: Int) {
        observations.append(observation)
        if case .rolledBack = observation {
            let placement = RecoveredRun(jobs.disk.facts).placement
            checker.rolledBack(fencing: placement?.highestTerm ?? ShardTerm(0))
        }
        tell { "\($0.processes[process].name): \(brief(observation))" }
    }

    mutating func terminate(_ process: Int, _ reason: TerminationReason) {
        end(process)
        processes[process].termination = reason
        tell { "\($0.processes[process].name) ends: \(reason)" }
        guard ended == nil else { return }
        restart(process)
    }

    /// A process is gone, with all that it knew.
    mutating func end(_ process: Int) {
        processes[process].isAlive = false
        processes[process].storage = Storage()
        timers.removeAll { $0.process == process }
    }

    private mutating func start(
        _ id: JobID, _ job: Job, of process: Int
    ) throws(InvariantViolation) {
        if case .journal(.started(_, _, let term)) = job {
            processes[process].opening = (id, term)
        }
        if let work = jobs.work(job, of: processes[process]) {
            return try enqueue(work, as: id, of: process)
        }
        let result = try jobs.run(job, of: &processes[process])
        guard let outcome = result.outcome else { return }
        var time = max(now, processes[process].busyUntil)
        let span: UInt64 =
            switch result.cost {
            case .instant: 0
            case .slots(let count):
                count * options.slotMilliseconds * processes[process].slowness
            case .write: options.diskMilliseconds
            }
        for progress in result.progress {
            time = time.advanced(milliseconds: random.below(span + 1))
            queue.add(.event(.progressed(id, progress), process: process), at: time)
        }
        time = time.advanced(milliseconds: random.below(span + 1))
        queue.add(.event(.finished(id, outcome), process: process), at: time)
        processes[process].busyUntil = time
    }

    /// Whether things still go wrong.
    var isFaulty: Bool {
        now.milliseconds(since: Instant(nanoseconds: 0)) < options.faultsEndMilliseconds
    }

    // MARK: Messages

    private mutating func send(
        _ message: Message, from sender: Int, to peer: Peer
    ) throws(InvariantViolation) {
        messageCount += 1
        guard let receiver = place(of: peer, from: sender) else {
            // As ZeroMQ's mandatory routing: nobody of this name is connected.
            queue.add(.event(.disconnected(peer), process: sender), at: at(1))
            return
        }
        traceHash = SplitMix64.mix(
            traceHash ^ now.nanoseconds ^ UInt64(sender) << 50 ^ UInt64(receiver) << 40
                ^ UInt64(message.body.kind.utf8.count))
        if isFaulty, random.happens(oneIn: options.lossOneIn) {
            return tell { "lost: \(message.body.kind) to \($0.processes[receiver].name)" }
        }
        if isCut(from: sender, to: receiver) { return }
        var received = try wire.roundTrip(message)
        var copies = 1
        if isFaulty {
            if case .push(let push) = received.body, random.happens(oneIn: options.corruptOneIn) {
                received = Message(header: received.header, body: .push(damaged(push)))
            }
            if random.happens(oneIn: options.duplicateOneIn) { copies = 2 }
        }
        for _ in 0..<copies {
            let time = arrival(from: sender, to: receiver)
            let event = Event.received(received, from: origin(of: sender, for: receiver, peer))
            queue.add(.event(event, process: receiver), at: time)
        }
    }

    private func isCut(from sender: Int, to receiver: Int) -> Bool {
        partitions.contains { $0.senders.contains(sender) && $0.receivers.contains(receiver) }
    }

    private func damaged(_ push: Push) -> Push {
        var bytes = Array(push.payload.bytes)
        bytes[0] ^= 1
        return Push(
            shard: push.shard, step: push.step, readVersion: push.readVersion, node: push.node,
            chunk: push.chunk, attempt: push.attempt, digest: push.digest,
            payload: Frame(copying: bytes))
    }

    /// Messages of one link keep their order, but for those that a broken connection delayed.
    private mutating func arrival(from sender: Int, to receiver: Int) -> Instant {
        let earliest = at(random.below(options.delayMilliseconds + 1))
        if isFaulty, random.happens(oneIn: options.reorderOneIn) {
            return at(random.below(4 * options.delayMilliseconds + 100))
        }
        let link = Link(from: sender, to: receiver)
        let time = max(links[link] ?? earliest, earliest)
        links[link] = time
        return time
    }

    private func place(of peer: Peer, from sender: Int) -> Int? {
        switch peer {
        case .coordinator: return coordinator
        case .server(let index):
            return processes[sender].links.first { $0.server == index }?.place
        case .member(let incarnation):
            let place = Int(incarnation.low)
            guard processes.indices.contains(place), processes[place].isAlive,
                processes[sender].connections.contains(place)
            else { return nil }
            return place
        }
    }

    /// As whom the receiver knows the sender: by the link it opened, or by its name.
    private func origin(of sender: Int, for receiver: Int, _ peer: Peer) -> Peer {
        guard case .member = peer else { return .member(processes[sender].incarnation) }
        if processes[sender].role == .coordinator { return .coordinator }
        let link = processes[receiver].links.first { $0.place == sender }
        return link.map { .server($0.server) } ?? .member(processes[sender].incarnation)
    }

    // MARK: Story

    private func isWorthTelling(_ body: MessageBody) -> Bool {
        switch body {
        case .heartbeat, .parameters, .pull: false
        case .serverProgress(let progress): progress.openSteps.contains { !$0.claims.isEmpty }
        default: true
        }
    }

    mutating func tell(_ line: (Simulation) -> String) {
        guard story == .told else { return }
        lines.append("\(now.milliseconds(since: Instant(nanoseconds: 0))) \(line(self))")
        if lines.count > 9_000 { lines.removeLast(4_000) }
    }
}
