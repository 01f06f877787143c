/// A parameter server: holds shards, records contributions, commits steps by itself.
///
/// It leads some shards and backs others. What it leads it streams to the shard's backup; what it
/// backs it repeats, so that it can lead it the moment the coordinator says so.
package struct ServerMachine: RoleMachine {
    /// What a server knows once it was welcomed.
    struct Membership: Sendable {
        let server: ServerIndex
        let plan: RunPlan
        let policy: NumericsPolicy
        let configuration: Frame
        var placement: Placement
        var source: LoadSource
        var startVersion: Version
    }

    enum State: Sendable {
        case joining
        case member(Membership)
        case ended
    }

    /// A payload on its way through inspection.
    struct Inspecting: Sendable {
        let job: JobID
        let push: Push
        let term: ShardTerm
        let peer: Peer
        let incarnation: Incarnation
    }

    /// A checkpoint's shard between its snapshot and the coordinator's acknowledgement.
    struct Writing: Sendable {
        let job: JobID
        let shard: ShardIndex
        let term: ShardTerm
        let version: Version
        var report: MessageBody?
        var sent: Instant
    }

    let limits: Limits
    let advertisedEndpoint: String
    let configurationHash: ContentHash?
    var speaker: Speaker
    var state: State = .joining
    /// By index.
    var shards: [ShardState] = []
    /// Shards that this server is to back and has nothing of yet, by index.
    var fillings: [Filling] = []
    /// Primaries that this server has opened links to.
    var links: [ServerIndex] = []
    var loads: [(job: JobID, shard: ShardIndex)] = []
    var inspecting: [Inspecting] = []
    var writing: [Writing] = []
    /// Snapshots of a state that was forgotten since: nobody waits for them.
    var abandonedWriting: [JobID] = []
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
        case .disconnected(.coordinator): meetAgain(at: now, into: &effects)
        case .disconnected(let peer): forget(peer)
        case .timerFired(.tick): tick(at: now, into: &effects)
        case .timerFired(.firstLeases), .timerFired(.suspicion), .timerFired(.farewell): break
        case .progressed(let job, let progress):
            self.progress(job, progress, into: &effects)
        case .finished(let job, let outcome):
            finish(job, outcome, at: now, into: &effects)
        }
    }

    var membership: Membership? {
        if case .member(let membership) = state { membership } else { nil }
    }

    /// Everything that was to be loaded is here.
    var isServing: Bool { membership != nil && loads.isEmpty }

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
            host: identity.host, threadCount: identity.threadCount, server: membership?.server,
            leases: [], shards: isServing ? shards.map(\.status) : [],
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

    /// The coordinator moves the shards elsewhere, or ends the run with a checkpoint where it
    /// cannot; either way it says when this server may go.
    private mutating func stop(into effects: inout [Effect]) {
        stopRequests += 1
        if stopRequests > 1 { return end(.aborted, into: &effects) }
        guard membership != nil else {
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
        switch peer {
        case .coordinator:
            coordinatorHeardAt = now
            receiveFromCoordinator(message, at: now, into: &effects)
        case .server(let server):
            receive(message, fromPrimary: server, at: now, into: &effects)
        case .member: receiveFromMember(message, peer, at: now, into: &effects)
        }
    }

    private mutating func receiveFromMember(
        _ message: Message, _ peer: Peer, at now: Instant, into effects: inout [Effect]
    ) {
        switch message.body {
        case .pull(let pull): answer(pull, message.header, from: peer, into: &effects)
        case .push(let push): inspect(push, message.header, from: peer, into: &effects)
        case .trailer(let report):
            record(report, message.header, from: peer, at: now, into: &effects)
        case .heartbeat:
            speaker.send(.heartbeat(.plain(.serving)), to: peer, into: &effects)
        case .fillRequested(let request):
            fill(request, message.header, to: peer, at: now, into: &effects)
        case .replicaAcknowledged(let acknowledged):
            note(acknowledged, message.header, from: peer, at: now, into: &effects)
        case .goodbye: forget(peer)
        case .refusal(let refusal): effects.append(.report(.refused(message.header.role, refusal)))
        default: speaker.ignore(message, from: peer, .notExpected, into: &effects)
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
        case .heartbeat(let heartbeat):
            let settled = min(heartbeat.recordedThrough, heartbeat.durableThrough)
            forgetReports(before: settled, into: &effects)
        case .placementChanged(let placement): adopt(placement, at: now, into: &effects)
        case .rollBack(let rollBack): goBack(rollBack, at: now, into: &effects)
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

    /// A report is kept until its step is in the ledger and no loss can undo it: then no step before
    /// is computed again, and a backup that was filled behind it lacks nothing that is still read.
    private mutating func forgetReports(before version: Version, into effects: inout [Effect]) {
        for place in shards.indices {
            shards[place].reports.removeAll { $0.commit.step.index < version.index }
            synchronise(shard: place, into: &effects)
        }
    }

    // MARK: Time

    private mutating func tick(at now: Instant, into effects: inout [Effect]) {
        setTick(at: now, into: &effects)
        let silence = now.milliseconds(since: coordinatorHeardAt)
        guard let membership else {
            return waitForWelcome(at: now, into: &effects)
        }
        if silence > limits.coordinatorSilenceMilliseconds {
            return end(.coordinatorLost(.silent(milliseconds: silence)), into: &effects)
        }
        let waited = now.milliseconds(since: startedAt)
        if !loads.isEmpty, waited > limits.loadMilliseconds {
            let wait = Wait.ready([membership.server])
            return fail(
                .deadlinePassed(wait, milliseconds: waited),
                "loading takes more than \(waited) ms", into: &effects)
        }
        let activity: Heartbeat.Activity =
            stopRequests > 0 ? .draining : isServing ? .serving : .joining
        let heartbeat = Heartbeat.plain(
            activity, placementRevision: membership.placement.revision)
        speaker.send(.heartbeat(heartbeat), to: .coordinator, into: &effects)
        guard isServing else { return }
        repeatUnanswered(at: now, into: &effects)
        for shard in shards where shard.isPrimary { reportProgress(shard, into: &effects) }
        keepReplicating(at: now, into: &effects)
        keepFollowing(at: now, into: &effects)
    }

    private mutating func waitForWelcome(at now: Instant, into effects: inout [Effect]) {
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
    }

    private mutating func repeatUnanswered(at now: Instant, into effects: inout [Effect]) {
        if let sent = readySentAt, now.milliseconds(since: sent) >= limits.retryMilliseconds {
            sendReady(at: now, into: &effects)
        }
        for place in shards.indices where shards[place].isPrimary {
            repeatReports(shard: place, sentBefore: limits.retryMilliseconds, at: now, &effects)
        }
        for place in writing.indices {
            guard let report = writing[place].report,
                now.milliseconds(since: writing[place].sent) >= limits.retryMilliseconds
            else { continue }
            writing[place].sent = now
            speaker.send(
                report, to: .coordinator, shardTerm: writing[place].term, into: &effects)
        }
    }

    /// Tells the coordinator again what it may not have recorded.
    mutating func repeatReports(
        shard place: Int, sentBefore milliseconds: UInt64, at now: Instant,
        _ effects: inout [Effect]
    ) {
        for report in shards[place].reports.indices {
            let sent = shards[place].reports[report].sent
            guard now.milliseconds(since: sent) >= milliseconds else { continue }
            shards[place].reports[report].sent = now
            let commit = shards[place].reports[report].commit
            speaker.send(
                .stepCommitted(commit), to: .coordinator, shardTerm: shards[place].term,
                into: &effects)
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
        guard let membership else { return }
        let slotCount = membership.plan.slotCount
        var open = shard.open.map {
            ServerProgress.OpenStep(
                step: $0.step, missing: $0.missing(slotCount: slotCount), claims: $0.claimsByNode)
        }
        let next = shard.version.nextStep
        if next.index < membership.plan.stepCount, open.first?.step != next {
            let all = [SlotRange(0, slotCount)]
            open.insert(.init(step: next, missing: all, claims: []), at: 0)
        }
        var synchronous: ServerIndex?
        if let replication = shard.replication, replication.stage == .synchronous {
            synchronous = replication.backup
        }
        let progress = ServerProgress(
            shard: shard.index, version: shard.version, durableThrough: shard.durableThrough,
            openSteps: open, synchronousBackup: synchronous)
        speaker.send(
            .serverProgress(progress), to: .coordinator, shardTerm: shard.term, into: &effects)
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
