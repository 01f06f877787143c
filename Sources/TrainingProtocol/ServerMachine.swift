/// A parameter server: holds shards, records contributions, commits steps by itself.
package struct ServerMachine: RoleMachine {
    /// What a server knows once it was welcomed.
    struct Membership: Sendable {
        let server: ServerIndex
        let member: MemberID
        let plan: RunPlan
        let policy: NumericsPolicy
        var placement: Placement
        let source: LoadSource
        let startVersion: Version
    }

    enum State: Sendable {
        case joining
        case loading(Membership)
        case serving(Membership)
        case ended
    }

    /// A payload on its way through inspection.
    struct Inspecting: Sendable {
        let job: JobID
        let push: Push
        let peer: Peer
        let incarnation: Incarnation
    }

    /// A checkpoint's shard between its snapshot and the coordinator's acknowledgement.
    struct Writing: Sendable {
        let job: JobID
        let shard: ShardIndex
        let version: Version
        var report: MessageBody?
        var sent: Instant
    }

    let limits: Limits
    let advertisedEndpoint: String
    let configurationHash: ContentHash?
    var speaker: Speaker
    var state: State = .joining
    var shards: [ShardState] = []
    var loads: [(job: JobID, shard: ShardIndex)] = []
    var inspecting: [Inspecting] = []
    var writing: [Writing] = []
    var stopRequests = 0
    var startedAt = Instant(nanoseconds: 0)
    var greetedAt = Instant(nanoseconds: 0)
    var reportedAt = Instant(nanoseconds: 0)
    var readySentAt: Instant?
    var coordinatorHeardAt = Instant(nanoseconds: 0)

    package init(
        identity: ProcessIdentity, advertisedEndpoint: String, configurationHash: ContentHash?,
        limits: Limits
    ) {
        self.limits = limits
        self.advertisedEndpoint = advertisedEndpoint
        self.configurationHash = configurationHash
        speaker = Speaker(identity: identity, role: .server)
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
        case .disconnected(let peer): forget(peer)
        case .timerFired(.tick): tick(at: now, into: &effects)
        case .timerFired(.firstLeases), .timerFired(.farewell): break
        case .progressed(let job, let progress):
            self.progress(job, progress, into: &effects)
        case .finished(let job, let outcome):
            finish(job, outcome, at: now, into: &effects)
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
            advertisedEndpoint: advertisedEndpoint, processID: identity.processID,
            host: identity.host, threadCount: identity.threadCount, leases: [],
            shards: shards.map(\.status))
        speaker.send(.greeting(greeting), to: .coordinator, into: &effects)
    }

    private func setTick(at now: Instant, into effects: inout [Effect]) {
        let next = now.advanced(milliseconds: limits.heartbeatIntervalMilliseconds)
        effects.append(.setTimer(.tick, deadline: next))
    }

    /// A server's work cannot be handed back, so its stop is the run's: the coordinator ends it
    /// with a checkpoint.
    private mutating func stop(into effects: inout [Effect]) {
        stopRequests += 1
        if stopRequests > 1 { return end(.aborted, into: &effects) }
        guard case .serving = state else {
            speaker.send(
                .goodbye(Goodbye(reason: .drained, explanation: "stopped before serving")),
                to: .coordinator, into: &effects)
            return end(.drained, into: &effects)
        }
        speaker.send(.drain, to: .coordinator, into: &effects)
    }

    mutating func end(_ reason: TerminationReason, into effects: inout [Effect]) {
        state = .ended
        effects.append(.cancelTimer(.tick))
        effects.append(.terminate(reason))
    }

    mutating func fail(
        _ reason: TerminationReason, _ explanation: String, into effects: inout [Effect]
    ) {
        speaker.send(
            .goodbye(Goodbye(reason: .failed, explanation: explanation)), to: .coordinator,
            into: &effects)
        end(reason, into: &effects)
    }

    private mutating func forget(_ peer: Peer) {
        for place in shards.indices { shards[place].parked.removeAll { $0.peer == peer } }
    }

    // MARK: Messages

    private mutating func receive(
        _ message: Message, from peer: Peer, at now: Instant, into effects: inout [Effect]
    ) {
        guard speaker.admits(message, from: peer, into: &effects) else { return }
        if peer == .coordinator {
            coordinatorHeardAt = now
            return receiveFromCoordinator(message, at: now, into: &effects)
        }
        switch message.body {
        case .pull(let pull): answer(pull, message.header, from: peer, into: &effects)
        case .push(let push): inspect(push, message.header, from: peer, into: &effects)
        case .trailer(let report):
            record(report, message.header, from: peer, at: now, into: &effects)
        case .heartbeat:
            speaker.send(.heartbeat(.plain(.serving)), to: peer, into: &effects)
        case .goodbye: forget(peer)
        case .refusal(let refusal): effects.append(.report(.refused(message.header.role, refusal)))
        default: speaker.ignore(message, from: peer, .notExpected, into: &effects)
        }
    }

    private mutating func receiveFromCoordinator(
        _ message: Message, at now: Instant, into effects: inout [Effect]
    ) {
        switch message.body {
        case .welcome(let welcome): enter(welcome, message.header, at: now, into: &effects)
        case .refusal(let refusal): end(.refused(refusal), into: &effects)
        case .heartbeat(let heartbeat):
            for place in shards.indices {
                shards[place].reports.removeAll {
                    $0.commit.step.index < heartbeat.recordedThrough.index
                }
            }
        case .checkpointRequested(let version):
            requestCheckpoint(version, at: now, into: &effects)
        case .shardWrittenAcknowledged(let acknowledged):
            writing.removeAll {
                $0.report != nil && $0.shard == acknowledged.shard
                    && $0.version == acknowledged.version
            }
        case .checkpointCommitted: break
        case .finish(let finish):
            speaker.send(
                .goodbye(Goodbye(reason: .finished, explanation: finish.explanation)),
                to: .coordinator, into: &effects)
            end(TerminationReason(finish), into: &effects)
        default: speaker.ignore(message, from: .coordinator, .notExpected, into: &effects)
        }
    }

    private mutating func enter(
        _ welcome: Welcome, _ header: Header, at now: Instant, into effects: inout [Effect]
    ) {
        guard case .joining = state else { return }
        guard let server = welcome.server, let source = welcome.source else {
            return fail(
                .runFailed("the coordinator's welcome names no place for this server"),
                "welcome without a place", into: &effects)
        }
        speaker.run = header.run
        speaker.coordinatorTerm = header.coordinatorTerm
        state = .loading(
            Membership(
                server: server, member: welcome.member, plan: welcome.plan,
                policy: welcome.numericsPolicy, placement: welcome.placement, source: source,
                startVersion: welcome.startVersion))
        startedAt = now
        for shard in welcome.placement.shards where shard.primary == server {
            let job = LoadJob(
                shard: shard.index, chunks: welcome.placement.chunks(of: shard.index),
                source: source, startVersion: welcome.startVersion,
                configuration: welcome.configuration, plan: welcome.plan)
            loads.append((speaker.start(.load(job), into: &effects), shard.index))
        }
    }

    // MARK: Time

    private mutating func tick(at now: Instant, into effects: inout [Effect]) {
        setTick(at: now, into: &effects)
        let silence = now.milliseconds(since: coordinatorHeardAt)
        switch state {
        case .joining:
            if now.milliseconds(since: startedAt) > limits.joinMilliseconds {
                let waited = now.milliseconds(since: startedAt)
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
        case .loading(let membership):
            let waited = now.milliseconds(since: startedAt)
            if waited > limits.loadMilliseconds {
                let wait = Wait.ready([membership.server])
                return fail(
                    .deadlinePassed(wait, milliseconds: waited),
                    "loading takes more than \(waited) ms", into: &effects)
            }
            speaker.send(.heartbeat(.plain(.joining)), to: .coordinator, into: &effects)
        case .serving:
            speaker.send(.heartbeat(.plain(.serving)), to: .coordinator, into: &effects)
            repeatUnanswered(at: now, into: &effects)
            for shard in shards { reportProgress(shard, into: &effects) }
        case .ended: return
        }
        if silence > limits.coordinatorSilenceMilliseconds {
            end(.coordinatorLost(.silent(milliseconds: silence)), into: &effects)
        }
    }

    private mutating func repeatUnanswered(at now: Instant, into effects: inout [Effect]) {
        if let sent = readySentAt, now.milliseconds(since: sent) >= limits.retryMilliseconds {
            sendReady(at: now, into: &effects)
        }
        for place in shards.indices {
            for report in shards[place].reports.indices {
                let sent = shards[place].reports[report].sent
                guard now.milliseconds(since: sent) >= limits.retryMilliseconds else { continue }
                shards[place].reports[report].sent = now
                let commit = shards[place].reports[report].commit
                speaker.send(.stepCommitted(commit), to: .coordinator, into: &effects)
            }
        }
        for place in writing.indices {
            guard let report = writing[place].report,
                now.milliseconds(since: writing[place].sent) >= limits.retryMilliseconds
            else { continue }
            writing[place].sent = now
            speaker.send(report, to: .coordinator, into: &effects)
        }
    }

    mutating func sendReady(at now: Instant, into effects: inout [Effect]) {
        // Repeated until the first commit: nothing else shows that the coordinator has heard it.
        let isFresh = shards.allSatisfy { $0.reports.isEmpty }
        readySentAt = isFresh ? now : nil
        guard isFresh else { return }
        let ready = ServerReady(shards: shards.map(\.status))
        speaker.send(.serverReady(ready), to: .coordinator, into: &effects)
    }

    func reportProgress(_ shard: ShardState, into effects: inout [Effect]) {
        guard case .serving(let membership) = state else { return }
        let open = shard.open.map {
            ServerProgress.OpenStep(
                step: $0.step, missing: $0.missing(slotCount: membership.plan.slotCount),
                claims: $0.claimsByNode)
        }
        let progress = ServerProgress(
            shard: shard.index, version: shard.version, durableThrough: shard.durableThrough,
            openSteps: open.map { [$0] } ?? [])
        speaker.send(.serverProgress(progress), to: .coordinator, into: &effects)
    }
}

extension TerminationReason {
    /// What the end of the run means for a member.
    init(_ finish: Finish) {
        switch finish.outcome {
        case .completed: self = .completed
        case .stopped: self = .stopped(nil)
        case .failed: self = .runFailed(finish.explanation)
        }
    }
}
