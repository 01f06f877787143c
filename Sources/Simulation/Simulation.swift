import TrainingProtocol

/// A whole cluster in virtual time: the real machines and the real wire format, seeded chance.
package struct Simulation {
    /// What a simulation that broke no invariant came to.
    package struct Outcome: Sendable {
        /// Of the coordinator.
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

    private let seed: UInt64
    private let options: SimulationOptions
    private var random: SplitMix64
    private var queue = EventQueue()
    private var processes: [SimulatedProcess] = []
    private var timers: [(process: Int, timer: TimerID, generation: UInt64)] = []
    private var timerGeneration: UInt64 = 0
    /// When the last message of a link arrives: a link keeps its order.
    private var links: [(from: Int, to: Int, lastArrival: Instant)] = []
    private var jobs: SimulatedJobs
    private let wire = Wire()
    private var now = Instant(nanoseconds: 0)
    private let story: Story
    private var lines: [String] = []
    private var observations: [Observation] = []
    private var versions: [(shard: ShardIndex, version: Version)] = []
    private var eventCount = 0
    private var messageCount = 0
    private var traceHash: UInt64 = 0

    /// Runs one seed to its end.
    ///
    /// - Throws: `SimulationFailure` where an invariant is broken or the run does not end in time.
    package static func run(
        seed: UInt64, options: SimulationOptions? = nil
    ) throws(SimulationFailure) -> Outcome {
        let options = options ?? SimulationOptions.swarm(seed: seed)
        var simulation = Simulation(seed: seed, options: options, story: .untold)
        do { return try simulation.run() } catch {
            var replay = Simulation(seed: seed, options: options, story: .told)
            _ = try? replay.run()
            throw SimulationFailure(
                seed: seed, options: options, violation: error, story: replay.lines)
        }
    }

    /// Words take most of a simulation's time, so they are only found for a run that failed.
    private enum Story {
        case told, untold
    }

    private init(seed: UInt64, options: SimulationOptions, story: Story) {
        self.story = story
        self.seed = seed
        self.options = options
        random = SplitMix64(seed: seed)
        jobs = SimulatedJobs(workload: SyntheticWorkload(options: options, seed: seed))
        addProcesses()
    }

    // MARK: Set-up

    private mutating func addProcesses() {
        let startVersion = Version(options.startVersion)
        let source: LoadSource =
            startVersion == .initial
            ? .initialValues : .checkpoint(jobs.storeCheckpoint(startVersion))
        let settings = CoordinatorSettings(
            run: RunID(high: seed, low: 7), coordinatorTerm: CoordinatorTerm(1),
            configuration: Frame(copying: Array("{}".utf8)),
            configurationHash: contentHash(of: 1), plan: jobs.plan,
            serverCount: options.serverCount, hintedWorkerCount: options.workerCount,
            numericsPolicy: .strict, source: source, startVersion: startVersion)
        let limits = options.limits
        add("coordinator", after: 0) {
            $1.coordinator = CoordinatorMachine(
                identity: $0, settings: settings, limits: limits)
        }
        for index in 0..<options.serverCount {
            let place = add("server", after: random.below(200)) {
                $1.server = ServerMachine(
                    identity: $0, advertisedEndpoint: "sim:\($0.incarnation.low)",
                    configurationHash: nil, limits: limits)
            }
            if index == 0, let time = options.serverCrashMilliseconds {
                queue.add(.crash(process: place), at: at(time))
            }
        }
        for _ in 0..<options.workerCount { addWorker(after: random.below(300)) }
        for _ in 0..<options.joinerCount { addWorker(after: random.below(4_000)) }
        if let stop = options.stopMilliseconds {
            queue.add(.event(.stopRequested, process: 0), at: at(stop))
        }
        let workers = processes.indices.filter { processes[$0].role == .worker }
        let victims = workers.shuffled(using: &random)
        for victim in victims.prefix(options.crashCount) {
            queue.add(.crash(process: victim), at: at(200 + random.below(4_000)))
        }
        for victim in victims.dropFirst(options.crashCount).prefix(options.drainCount) {
            let time = at(200 + random.below(4_000))
            queue.add(.event(.stopRequested, process: victim), at: time)
        }
    }

    private func at(_ milliseconds: UInt64) -> Instant {
        Instant(nanoseconds: 0).advanced(milliseconds: milliseconds)
    }

    private mutating func addWorker(after milliseconds: UInt64) {
        let limits = options.limits
        add("worker", after: milliseconds) {
            $1.worker = WorkerMachine(
                identity: $0, numericsClass: NumericsClass("simulated"),
                configurationHash: nil, limits: limits)
        }
    }

    @discardableResult
    private mutating func add(
        _ role: String, after milliseconds: UInt64,
        _ build: (ProcessIdentity, inout SimulatedProcess) -> Void
    ) -> Int {
        let place = processes.count
        let incarnation = Incarnation(high: seed, low: UInt64(place))
        let identity = ProcessIdentity(
            incarnation: incarnation, build: Build("simulated"), host: "host-\(place)",
            processID: UInt32(place), threadCount: 1)
        var process = SimulatedProcess(
            name: "\(role)-\(place)", incarnation: incarnation, isAlive: false)
        build(identity, &process)
        processes.append(process)
        queue.add(.start(process: place), at: at(milliseconds))
        return place
    }

    // MARK: The loop

    private mutating func run() throws(InvariantViolation) -> Outcome {
        while let (time, happening) = queue.next() {
            now = time
            eventCount += 1
            guard now.milliseconds(since: at(0)) <= options.deadlineMilliseconds else {
                throw InvariantViolation("no end after \(options.deadlineMilliseconds) ms")
            }
            switch happening {
            case .start(let process):
                // Nobody joins a run that is over.
                guard processes[0].termination == nil else { continue }
                processes[process].isAlive = true
                tell { "\($0.processes[process].name) starts" }
                try deliver(.started, to: process)
            case .crash(let process): crash(process)
            case .timer(let timer, let process, let generation):
                guard
                    timers.contains(where: {
                        $0.process == process && $0.timer == timer
                            && $0.generation == generation
                    })
                else { continue }
                try deliver(.timerFired(timer), to: process)
            case .event(let event, let process): try deliver(event, to: process)
            }
            if processes[0].termination != nil, processes.allSatisfy({ !$0.isAlive }) { break }
        }
        return try outcome()
    }

    private func outcome() throws(InvariantViolation) -> Outcome {
        guard let termination = processes[0].termination else {
            throw InvariantViolation("the coordinator never ended")
        }
        if let left = processes.first(where: { $0.isAlive }) {
            throw InvariantViolation("\(left.name) outlives the run")
        }
        if termination == .completed {
            guard jobs.disk.manifests.last?.version == jobs.plan.finalVersion else {
                throw InvariantViolation("the run completed without its last checkpoint")
            }
            let steps = Int(jobs.plan.stepCount - options.startVersion)
            let commits = steps * options.serverCount
            guard jobs.commits.count == commits else {
                throw InvariantViolation("\(jobs.commits.count) commits instead of \(commits)")
            }
        }
        return Outcome(
            termination: termination,
            terminations: processes.map { ($0.name, $0.termination) },
            observations: observations, virtualMilliseconds: now.milliseconds(since: at(0)),
            eventCount: eventCount, messageCount: messageCount, traceHash: traceHash,
            manifests: jobs.disk.manifests, plan: jobs.plan)
    }

    private mutating func deliver(_ event: Event, to process: Int) throws(InvariantViolation) {
        guard processes[process].isAlive else { return }
        if case .received(let message, let peer) = event, isWorthTelling(message.body) {
            tell { "\($0.processes[process].name) ← \(peer): \(summary(of: message.body))" }
        }
        var effects: [Effect] = []
        processes[process].handle(event, at: now, into: &effects)
        for effect in effects { try perform(effect, of: process) }
        try checkVersions()
    }

    // MARK: Effects

    private mutating func perform(
        _ effect: Effect, of process: Int
    ) throws(InvariantViolation) {
        switch effect {
        case .connect, .disconnect: break
        case .send(let message, let peer): try send(message, from: process, to: peer)
        case .setTimer(let timer, let deadline):
            timers.removeAll { $0.process == process && $0.timer == timer }
            timerGeneration += 1
            timers.append((process, timer, timerGeneration))
            queue.add(
                .timer(timer, process: process, generation: timerGeneration), at: deadline)
        case .cancelTimer(let timer):
            timers.removeAll { $0.process == process && $0.timer == timer }
        case .start(let id, let job): try start(id, job, of: process)
        case .report(let observation):
            observations.append(observation)
            tell { "\($0.processes[process].name): \(brief(observation))" }
        case .terminate(let reason):
            processes[process].isAlive = false
            processes[process].termination = reason
            tell { "\($0.processes[process].name) ends: \(reason)" }
        }
    }

    private mutating func start(
        _ id: JobID, _ job: Job, of process: Int
    ) throws(InvariantViolation) {
        let result = try jobs.run(job, of: &processes[process])
        var time = max(now, processes[process].busyUntil)
        let span = result.cost * options.slotMilliseconds
        for progress in result.progress {
            time = time.advanced(milliseconds: random.below(span + 1))
            queue.add(.event(.progressed(id, progress), process: process), at: time)
        }
        time = time.advanced(milliseconds: random.below(span + 1))
        queue.add(.event(.finished(id, result.outcome), process: process), at: time)
        processes[process].busyUntil = time
    }

    private mutating func send(
        _ message: Message, from sender: Int, to peer: Peer
    ) throws(InvariantViolation) {
        guard let receiver = place(of: peer) else {
            throw InvariantViolation("\(processes[sender].name) sends to unknown \(peer)")
        }
        messageCount += 1
        traceHash = SplitMix64.mix(
            traceHash ^ now.nanoseconds ^ UInt64(sender) << 50 ^ UInt64(receiver) << 40
                ^ UInt64(message.body.kind.utf8.count))
        if random.happens(oneIn: options.lossOneIn) {
            return tell { "lost: \(message.body.kind) to \($0.processes[receiver].name)" }
        }
        var received = try wire.roundTrip(message)
        var copies = 1
        if case .push(let push) = received.body {
            if random.happens(oneIn: options.corruptOneIn) {
                received = Message(header: received.header, body: .push(damaged(push)))
            }
            if random.happens(oneIn: options.duplicateOneIn) { copies = 2 }
        }
        for _ in 0..<copies {
            let time = arrival(from: sender, to: receiver)
            let event = Event.received(received, from: origin(of: sender, for: receiver))
            queue.add(.event(event, process: receiver), at: time)
        }
    }

    private func damaged(_ push: Push) -> Push {
        var bytes = Array(push.payload.bytes)
        bytes[0] ^= 1
        return Push(
            shard: push.shard, step: push.step, readVersion: push.readVersion, node: push.node,
            chunk: push.chunk, attempt: push.attempt, digest: push.digest,
            payload: Frame(copying: bytes))
    }

    /// Messages of one link keep their order; those of different links do not.
    private mutating func arrival(from sender: Int, to receiver: Int) -> Instant {
        let earliest = now.advanced(milliseconds: random.below(options.delayMilliseconds + 1))
        guard let link = links.firstIndex(where: { $0.from == sender && $0.to == receiver })
        else {
            links.append((sender, receiver, earliest))
            return earliest
        }
        links[link].lastArrival = max(links[link].lastArrival, earliest)
        return links[link].lastArrival
    }

    private func place(of peer: Peer) -> Int? {
        switch peer {
        case .coordinator: 0
        case .server(let index):
            servers().indices.contains(index.index) ? servers()[index.index] : nil
        case .member(let incarnation):
            processes.firstIndex { $0.incarnation == incarnation }
        }
    }

    /// By server index, as the journaled placement says.
    private func servers() -> [Int] {
        for case .placed(let placement) in jobs.disk.journal {
            return placement.servers.compactMap { server in
                processes.firstIndex { $0.incarnation == server.incarnation }
            }
        }
        return []
    }

    private func origin(of sender: Int, for receiver: Int) -> Peer {
        switch (processes[sender].role, processes[receiver].role) {
        case (.coordinator, _): .coordinator
        case (.server, .worker):
            .server(ServerIndex(servers().firstIndex(of: sender) ?? -1))
        default: .member(processes[sender].incarnation)
        }
    }

    private mutating func crash(_ process: Int) {
        guard processes[process].isAlive else { return }
        processes[process].isAlive = false
        tell { "\($0.processes[process].name) crashes" }
        // A reset connection shows; a lost host does not.
        guard random.happens(oneIn: 2) else { return }
        let peer = Peer.member(processes[process].incarnation)
        let time = now.advanced(milliseconds: 1 + random.below(options.delayMilliseconds))
        for other in processes.indices where processes[other].role != .worker {
            queue.add(.event(.disconnected(peer), process: other), at: time)
        }
    }

    // MARK: Checks and story

    private mutating func checkVersions() throws(InvariantViolation) {
        for process in processes {
            for (shard, version) in process.server?.shardVersions ?? [] {
                if let place = versions.firstIndex(where: { $0.shard == shard }) {
                    guard versions[place].version <= version else {
                        throw InvariantViolation("shard \(shard) goes back to \(version)")
                    }
                    versions[place].version = version
                } else {
                    versions.append((shard, version))
                }
            }
        }
        guard let low = versions.map(\.version).min(), let high = versions.map(\.version).max(),
            high.index > low.index + 1
        else { return }
        throw InvariantViolation("shards stand at versions \(low) to \(high)")
    }

    private func isWorthTelling(_ body: MessageBody) -> Bool {
        switch body {
        case .heartbeat, .parameters, .pull: false
        case .serverProgress(let progress): progress.openSteps.contains { !$0.claims.isEmpty }
        default: true
        }
    }

    private mutating func tell(_ line: (Simulation) -> String) {
        guard story == .told else { return }
        lines.append("\(now.milliseconds(since: at(0))) \(line(self))")
        if lines.count > 400 { lines.removeFirst(200) }
    }
}
