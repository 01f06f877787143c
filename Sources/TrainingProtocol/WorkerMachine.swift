/// A worker: computes the nodes it holds leases of, and keeps nothing that cannot be had again.
package struct WorkerMachine: RoleMachine {
    struct HeldLease: Sendable {
        enum Stage: Sendable, Equatable {
            case waiting
            case computing(JobID)
            case computed
        }

        let lease: Lease
        var stage: Stage = .waiting
        var finiteness: Trailer.Finiteness?
    }

    /// What a worker knows once it was welcomed.
    struct Membership: Sendable {
        var member: MemberID
        let plan: RunPlan
        var placement: Placement
    }

    enum State: Sendable {
        case joining
        case preparing(Membership)
        case working(Membership)
        case draining(Membership)
        case ended
    }

    struct ServerLink: Sendable {
        let server: ServerIndex
        var heardAt: Instant
        /// The last data message, as a heartbeat shows no progress.
        var answeredAt: Instant
    }

    let limits: Limits
    let numericsClass: NumericsClass
    let configurationHash: ContentHash?
    var speaker: Speaker
    var state: State = .joining
    var leases: [HeldLease] = []
    var cache = ParameterCache(chunkCount: 0, shardCount: 0)
    var outbox = Outbox()
    /// By shard.
    var durableThrough: [Version] = []
    var links: [ServerLink] = []
    /// What is pulled while no lease waits.
    var prefetch: Step?
    var finishedSlots = 0
    /// An average over the last jobs.
    var inputWaitPermille: UInt32 = 0
    var pullWait = PullWait()
    var startedAt = Instant(nanoseconds: 0)
    var greetedAt = Instant(nanoseconds: 0)
    var coordinatorHeardAt = Instant(nanoseconds: 0)
    var advancedAt = Instant(nanoseconds: 0)
    var reportedAt = Instant(nanoseconds: 0)

    package init(
        identity: ProcessIdentity, numericsClass: NumericsClass, configurationHash: ContentHash?,
        limits: Limits
    ) {
        self.limits = limits
        self.numericsClass = numericsClass
        self.configurationHash = configurationHash
        speaker = Speaker(identity: identity, role: .worker)
    }

    package mutating func handle(
        _ event: Event, at now: Instant, into effects: inout [Effect]
    ) {
        if case .ended = state { return }
        switch event {
        case .started: start(at: now, into: &effects)
        case .stopRequested: stop(into: &effects)
        case .received(let message, let peer):
            receive(message, from: peer, at: now, into: &effects)
        case .disconnected(.coordinator): meetAgain(at: now, into: &effects)
        case .disconnected: break
        case .timerFired(.tick): tick(at: now, into: &effects)
        case .timerFired(.firstLeases), .timerFired(.suspicion), .timerFired(.farewell): break
        case .progressed(let job, let progress):
            self.progress(job, progress, into: &effects)
        case .finished(let job, let outcome):
            finish(job, outcome, at: now, into: &effects)
        }
        advance(at: now, into: &effects)
    }

    var membership: Membership? {
        switch state {
        case .preparing(let membership), .working(let membership), .draining(let membership):
            membership
        case .joining, .ended: nil
        }
    }

    // MARK: Joining and leaving

    private mutating func start(at now: Instant, into effects: inout [Effect]) {
        startedAt = now
        coordinatorHeardAt = now
        greet(at: now, into: &effects)
        setTick(at: now, into: &effects)
    }

    private mutating func greet(at now: Instant, into effects: inout [Effect]) {
        greetedAt = now
        let identity = speaker.identity
        let greeting = Greeting(
            build: identity.build, configurationHash: configurationHash,
            numericsClass: numericsClass, processID: identity.processID, host: identity.host,
            threadCount: identity.threadCount, member: membership?.member,
            leases: leases.map(\.lease), shards: [],
            placementRevision: membership?.placement.revision ?? 0)
        speaker.send(.greeting(greeting), to: .coordinator, into: &effects)
    }

    /// The link mends itself, perhaps to a coordinator that was started again: the greeting waits in
    /// it.
    private mutating func meetAgain(at now: Instant, into effects: inout [Effect]) {
        if membership != nil { greet(at: now, into: &effects) }
    }

    private func setTick(at now: Instant, into effects: inout [Effect]) {
        let next = now.advanced(milliseconds: limits.heartbeatIntervalMilliseconds)
        effects.append(.setTimer(.tick, deadline: next))
    }

    private mutating func enter(
        _ welcome: Welcome, _ header: Header, at now: Instant, into effects: inout [Effect]
    ) {
        if membership != nil { return meetAgain(welcome, header, at: now, into: &effects) }
        speaker.run = header.run
        speaker.coordinatorTerm = header.coordinatorTerm
        startedAt = now
        let placement = welcome.placement
        state = .preparing(
            Membership(member: welcome.member, plan: welcome.plan, placement: placement))
        cache = ParameterCache(
            chunkCount: welcome.plan.chunkPlan.chunks.count, shardCount: placement.shards.count)
        durableThrough = Array(repeating: .initial, count: placement.shards.count)
        connect(to: placement, at: now, into: &effects)
        let job = PrepareJob(configuration: welcome.configuration, plan: welcome.plan)
        _ = speaker.start(.prepare(job), into: &effects)
    }

    /// Hands back what has not begun; what has begun is finished and delivered first.
    private mutating func stop(into effects: inout [Effect]) {
        switch state {
        case .joining, .preparing:
            sayGoodbye(.drained, "stopped before its first lease", into: &effects)
            end(.drained, into: &effects)
        case .working(let membership):
            state = .draining(membership)
            speaker.send(.drain, to: .coordinator, into: &effects)
            for held in leases where held.stage == .waiting {
                giveBack(held.lease.id, .draining, "", into: &effects)
            }
            leases.removeAll { $0.stage == .waiting }
        case .draining: end(.aborted, into: &effects)
        case .ended: break
        }
    }

    func sayGoodbye(
        _ reason: Goodbye.Reason, _ explanation: String, into effects: inout [Effect]
    ) {
        let goodbye = Goodbye(reason: reason, explanation: explanation)
        speaker.send(.goodbye(goodbye), to: .coordinator, into: &effects)
        for link in links {
            speaker.send(.goodbye(goodbye), to: .server(link.server), into: &effects)
        }
    }

    func giveBack(
        _ lease: LeaseID, _ reason: LeaseReturned.Reason, _ explanation: String,
        into effects: inout [Effect]
    ) {
        let returned = LeaseReturned(lease: lease, reason: reason, explanation: explanation)
        speaker.send(.leaseReturned(returned), to: .coordinator, into: &effects)
    }

    mutating func end(_ reason: TerminationReason, into effects: inout [Effect]) {
        state = .ended
        effects.append(.cancelTimer(.tick))
        effects.append(.terminate(reason))
    }

    mutating func fail(
        _ reason: TerminationReason, _ explanation: String, into effects: inout [Effect]
    ) {
        sayGoodbye(.failed, explanation, into: &effects)
        end(reason, into: &effects)
    }

    // MARK: Messages

    private mutating func receive(
        _ message: Message, from peer: Peer, at now: Instant, into effects: inout [Effect]
    ) {
        guard speaker.admits(message, from: peer, into: &effects) else { return }
        switch peer {
        case .coordinator:
            coordinatorHeardAt = now
            receiveFromCoordinator(message, at: now, into: &effects)
        case .server(let server):
            guard let place = links.firstIndex(where: { $0.server == server }) else {
                return speaker.ignore(message, from: peer, .unknownSender, into: &effects)
            }
            links[place].heardAt = now
            if case .heartbeat = message.body { return }
            links[place].answeredAt = now
            receive(message, fromServer: server, at: now, into: &effects)
        case .member: speaker.ignore(message, from: peer, .unknownSender, into: &effects)
        }
    }

    private mutating func receiveFromCoordinator(
        _ message: Message, at now: Instant, into effects: inout [Effect]
    ) {
        if case .welcome(let welcome) = message.body {
            return enter(welcome, message.header, at: now, into: &effects)
        }
        if case .refusal(let refusal) = message.body {
            return end(.refused(refusal), into: &effects)
        }
        // A coordinator that was started again learns from greetings who is here.
        if membership != nil, speaker.coordinatorTerm < message.header.coordinatorTerm {
            return greet(at: now, into: &effects)
        }
        switch message.body {
        case .heartbeat, .checkpointCommitted: break
        case .placementChanged(let placement): adopt(placement, at: now, into: &effects)
        case .rollBack(let rollBack): goBack(rollBack, at: now, into: &effects)
        case .lease(let lease): take(lease, into: &effects)
        case .leaseRevoked(let lease): revoke(lease, into: &effects)
        case .finish(let finish):
            sayGoodbye(.finished, finish.explanation, into: &effects)
            end(TerminationReason(finish), into: &effects)
        default: speaker.ignore(message, from: .coordinator, .notExpected, into: &effects)
        }
    }

    private mutating func take(_ lease: Lease, into effects: inout [Effect]) {
        guard !leases.contains(where: { $0.lease.id == lease.id }), let membership else { return }
        if case .draining = state {
            return giveBack(lease.id, .draining, "", into: &effects)
        }
        let plan = membership.plan
        guard lease.step.index < plan.stepCount, plan.tree.isNode(lease.node),
            leases.count < limits.leasesPerWorker * Int(plan.lag + 1)
        else {
            let explanation = "node \(lease.node) of step \(lease.step) cannot be held here"
            return giveBack(lease.id, .failed, explanation, into: &effects)
        }
        let key = (lease.step, lease.id)
        let place = leases.firstIndex { key < ($0.lease.step, $0.lease.id) } ?? leases.count
        var held = HeldLease(lease: lease)
        let isDurable = durableThrough.allSatisfy { lease.step.result <= $0 }
        if isDurable { held.stage = .computed }
        leases.insert(held, at: place)
    }

    private mutating func revoke(_ lease: LeaseID, into effects: inout [Effect]) {
        guard let place = leases.firstIndex(where: { $0.lease.id == lease }),
            leases[place].stage == .waiting
        else { return }
        leases.remove(at: place)
        giveBack(lease, .revoked, "", into: &effects)
    }

    // MARK: Time

    private mutating func tick(at now: Instant, into effects: inout [Effect]) {
        setTick(at: now, into: &effects)
        switch state {
        case .joining:
            let waited = now.milliseconds(since: startedAt)
            if waited > limits.joinMilliseconds {
                return end(.deadlinePassed(.welcome, milliseconds: waited), into: &effects)
            }
            if now.milliseconds(since: greetedAt) >= limits.retryMilliseconds {
                greet(at: now, into: &effects)
            }
            if now.milliseconds(since: max(startedAt, reportedAt)) > limits.waitReportMilliseconds {
                reportedAt = now
                effects.append(.report(.waiting(.welcome)))
            }
            return
        case .preparing, .working, .draining:
            beat(into: &effects)
            requeueOverdue(at: now, into: &effects)
            reportWait(at: now, into: &effects)
            lookForSilence(at: now, into: &effects)
        case .ended: return
        }
    }

    func beat(into effects: inout [Effect]) {
        let computing = leases.first {
            if case .computing = $0.stage { true } else { false }
        }
        let heartbeat = Heartbeat(
            activity: activity, current: computing?.lease.id, finishedSlots: finishedSlots,
            leases: leases.map(\.lease.id).sorted(), durableThrough: .initial,
            recordedThrough: .initial,
            placementRevision: membership?.placement.revision ?? 0,
            inputWaitPermille: inputWaitPermille, pullWaitPermille: pullWait.permille)
        speaker.send(.heartbeat(heartbeat), to: .coordinator, into: &effects)
        for link in links {
            speaker.send(.heartbeat(.plain(activity)), to: .server(link.server), into: &effects)
        }
    }

    private var activity: Heartbeat.Activity {
        switch state {
        case .joining, .preparing, .ended: return .joining
        case .draining: return .draining
        case .working: break
        }
        if leases.contains(where: { if case .computing = $0.stage { true } else { false } }) {
            return .computing
        }
        if outbox.unsettledCount > 0 { return .pushing }
        return leases.contains { $0.stage == .waiting } ? .pulling : .idle
    }

    private mutating func requeueOverdue(at now: Instant, into effects: inout [Effect]) {
        let overdue = limits.retryMilliseconds
        guard let placement = membership?.placement else { return }
        let links = links
        let isOverdue = { (server: ServerIndex, sent: Instant) in
            let answered = links.first { $0.server == server }?.answeredAt ?? sent
            return now.milliseconds(since: max(sent, answered)) >= overdue
        }
        outbox.requeue { isOverdue(placement.primary(of: $0), $1) }
        for pull in cache.touch(at: now, where: { isOverdue($0.server, $0.sent) }) {
            send(pull.pull, to: pull.server, into: &effects)
        }
    }

    private mutating func lookForSilence(at now: Instant, into effects: inout [Effect]) {
        let silence = now.milliseconds(since: coordinatorHeardAt)
        if silence > limits.coordinatorSilenceMilliseconds {
            return end(.coordinatorLost(.silent(milliseconds: silence)), into: &effects)
        }
        // The coordinator judges servers; a worker that alone cannot reach one leaves long after the
        // coordinator's verdict would have come.
        guard silence < limits.silenceMilliseconds else { return }
        for link in links {
            let silence = now.milliseconds(since: link.heardAt)
            guard silence > limits.serverSilenceMilliseconds else { continue }
            let explanation = "server \(link.server) has been silent for \(silence) ms"
            return fail(
                .serverLost(link.server, .silent(milliseconds: silence)), explanation,
                into: &effects)
        }
    }

    private mutating func reportWait(at now: Instant, into effects: inout [Effect]) {
        guard now.milliseconds(since: max(advancedAt, reportedAt)) > limits.waitReportMilliseconds
        else { return }
        guard let membership else { return }
        let servers = outbox.unsettledServers(membership.placement)
        if !servers.isEmpty {
            reportedAt = now
            let wait = Wait.acknowledgements(outbox.unsettledCount, from: servers)
            effects.append(.report(.waiting(wait)))
        } else if let lease = leases.first(where: { $0.stage == .waiting })?.lease {
            reportedAt = now
            var late: [ServerIndex] = []
            for pull in cache.inFlight where !late.contains(pull.server) {
                late.append(pull.server)
            }
            let version = membership.plan.readVersion(of: lease.step)
            let wait = Wait.version(version, from: late.sorted())
            effects.append(.report(.waiting(wait)))
        }
    }
}
