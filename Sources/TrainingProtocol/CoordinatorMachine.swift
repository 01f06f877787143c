/// The coordinator: who takes part, who computes what, and which checkpoints exist.
///
/// No tensor passes through it.
package struct CoordinatorMachine: RoleMachine {
    enum State: Sendable, Equatable {
        /// The journal's first entry is being written.
        case opening
        case gatheringServers
        /// The placement is being journaled.
        case placing
        case loading
        /// Version 0 is being made safe.
        case securingStart
        case gatheringWorkers
        case training
        case finishing(TerminationReason)
        case ended
    }

    struct Member: Sendable {
        enum Stage: Sendable {
            case greeted, welcomed, ready, draining
        }

        let id: MemberID
        let incarnation: Incarnation
        let role: Role
        let greeting: Greeting
        var server: ServerIndex?
        var stage: Stage = .greeted
        var heardAt: Instant
        /// The link broke, and nothing has been heard since.
        var suspectedAt: Instant?
        var heartbeat: Heartbeat = .plain(.joining)

        var peer: Peer { .member(incarnation) }
        var isEligible: Bool { role == .worker && stage == .ready && suspectedAt == nil }
    }

    struct Shard: Sendable {
        /// Reports of the steps before this version are recorded.
        var version: Version
        var durableThrough: Version
        var stateHash = Digest(0)
        /// The newest word on what the shard misses.
        var progress: ServerProgress?
        var progressAt = Instant(nanoseconds: 0)
        /// Recorded reports of steps that some other shard has not committed, by step.
        var reports: [StepCommitted] = []
        var isReady = false
    }

    enum AfterJournal: Sendable {
        case gather
        case place
        case welcomeWorkers
        case publish(CheckpointReference)
        case farewell
    }

    let settings: CoordinatorSettings
    let limits: Limits
    var speaker: Speaker
    var state: State = .opening
    var journaling: [(job: JobID, next: AfterJournal)] = []
    /// By id.
    var members: [Member] = []
    var lastMember: UInt32 = 0
    /// Everybody who was ever a member, by id.
    var history: [(incarnation: Incarnation, member: MemberID)] = []
    var placement: Placement?
    /// By shard.
    var shards: [Shard] = []
    var book: LeaseBook
    var numericsClass: NumericsClass?
    var isNumericsClassJournaled: Bool
    var checkpoints: [CheckpointCollection] = []
    var lastCheckpoint: CheckpointReference?
    /// Given up since the last checkpoint that is on disk; each once, however many shards failed.
    var failedCheckpoints: [Version] = []
    var stopVersion: Version?
    var stopRequestedAt: Instant?
    var stopRequests = 0
    var workerLeftAt = Instant(nanoseconds: 0)
    var claimAttempts: [(step: Step, node: SlotRange, attempt: Attempt)] = []
    var alarms: [String] = []
    var enteredAt = Instant(nanoseconds: 0)
    var advancedAt = Instant(nanoseconds: 0)
    var reportedAt = Instant(nanoseconds: 0)
    var stepMilliseconds: UInt64 = 0

    package init(identity: ProcessIdentity, settings: CoordinatorSettings, limits: Limits) {
        precondition(
            (1...limits.serverCount).contains(settings.serverCount),
            "\(settings.serverCount) servers; 1 to \(limits.serverCount) are possible")
        self.settings = settings
        self.limits = limits
        speaker = Speaker(
            identity: identity, role: .coordinator, run: settings.run,
            coordinatorTerm: settings.coordinatorTerm)
        book = LeaseBook(tree: settings.plan.tree)
        numericsClass = settings.numericsClass
        isNumericsClassJournaled = settings.numericsClass != nil
        if case .checkpoint(let reference) = settings.source { lastCheckpoint = reference }
    }

    var plan: RunPlan { settings.plan }

    package mutating func handle(
        _ event: Event, at now: Instant, into effects: inout [Effect]
    ) {
        if state == .ended { return }
        switch event {
        case .started:
            enter(.opening, at: now)
            let entry = JournalEntry.started(
                run: settings.run, configurationHash: settings.configurationHash,
                coordinatorTerm: settings.coordinatorTerm)
            journal(entry, then: .gather, into: &effects)
            setTick(at: now, into: &effects)
        case .stopRequested:
            stopRequests += 1
            if stopRequests == 1 {
                stop(at: now, into: &effects)
            } else {
                broadcast(
                    .finish(Finish(outcome: .stopped, explanation: "stopped at once")), to: nil,
                    into: &effects)
                end(.aborted, into: &effects)
            }
        case .received(let message, let peer):
            receive(message, from: peer, at: now, into: &effects)
        case .disconnected(let peer): suspect(peer, at: now, into: &effects)
        case .timerFired(.tick): tick(at: now, into: &effects)
        case .timerFired(.firstLeases): break  // `advance` finds the wait to be over.
        case .timerFired(.farewell):
            if case .finishing(let reason) = state {
                let missing = Wait.goodbyes(members.map(\.id))
                effects.append(.report(.waiting(missing)))
                end(reason, into: &effects)
            }
        case .progressed: break
        case .finished(let job, let outcome):
            finish(job, outcome, at: now, into: &effects)
        }
        advance(at: now, into: &effects)
    }

    mutating func enter(_ next: State, at now: Instant) {
        state = next
        enteredAt = now
        advancedAt = now
    }

    mutating func journal(
        _ entry: JournalEntry, then next: AfterJournal, into effects: inout [Effect]
    ) {
        journaling.append((speaker.start(.journal(entry), into: &effects), next))
    }

    func setTick(at now: Instant, into effects: inout [Effect]) {
        let next = now.advanced(milliseconds: limits.heartbeatIntervalMilliseconds)
        effects.append(.setTimer(.tick, deadline: next))
    }

    func broadcast(_ body: MessageBody, to role: Role?, into effects: inout [Effect]) {
        for member in members where role == nil || member.role == role {
            speaker.send(body, to: member.peer, into: &effects)
        }
    }

    // MARK: Messages

    private mutating func receive(
        _ message: Message, from peer: Peer, at now: Instant, into effects: inout [Effect]
    ) {
        guard speaker.admits(message, from: peer, into: &effects) else { return }
        if case .greeting(let greeting) = message.body {
            return greet(greeting, message.header, from: peer, at: now, into: &effects)
        }
        if case .statusRequested = message.body {
            return speaker.send(.status(status(at: now)), to: peer, into: &effects)
        }
        guard let place = members.firstIndex(where: { $0.peer == peer }) else {
            return receiveFromStranger(message, peer, into: &effects)
        }
        members[place].heardAt = now
        members[place].suspectedAt = nil
        switch members[place].role {
        case .server: receive(message, fromServer: place, at: now, into: &effects)
        case .worker: receive(message, fromWorker: place, at: now, into: &effects)
        case .coordinator, .observer:
            speaker.ignore(message, from: peer, .notExpected, into: &effects)
        }
    }

    private func receiveFromStranger(
        _ message: Message, _ peer: Peer, into effects: inout [Effect]
    ) {
        switch message.body {
        case .goodbye, .refusal: break
        default:
            let known = history.contains { .member($0.incarnation) == peer }
            guard known else {
                return speaker.ignore(message, from: peer, .unknownSender, into: &effects)
            }
            let explanation = "this process was declared lost; start it again to take part"
            let refusal = Refusal(code: .declaredLost, explanation: explanation)
            speaker.send(.refusal(refusal), to: peer, into: &effects)
        }
    }

    private mutating func receive(
        _ message: Message, fromServer place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        let server = members[place]
        switch message.body {
        case .heartbeat(let heartbeat):
            members[place].heartbeat = heartbeat
            answerHeartbeat(of: server, into: &effects)
        case .serverReady(let ready): note(ready)
        case .serverProgress(let progress):
            guard shards.indices.contains(progress.shard.index) else { break }
            shards[progress.shard.index].progress = progress
            shards[progress.shard.index].progressAt = now
        case .stepCommitted(let report): record(report, at: now, into: &effects)
        case .shardWritten(let written):
            collect(written, from: server, at: now, into: &effects)
        case .shardNotWritten(let failure):
            acknowledge(failure.shard, failure.version, to: server, into: &effects)
            failCheckpoint(failure.version, failure.explanation, at: now, into: &effects)
        case .drain: stop(at: now, into: &effects)
        case .goodbye(let goodbye):
            let departure: Observation.Departure =
                goodbye.reason == .failed ? .failed(goodbye.explanation) : .drained
            remove(server.id, departure, at: now, into: &effects)
        case .refusal(let refusal):
            remove(server.id, .failed(refusal.explanation), at: now, into: &effects)
        default: speaker.ignore(message, from: server.peer, .notExpected, into: &effects)
        }
    }

    private mutating func receive(
        _ message: Message, fromWorker place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        let worker = members[place]
        switch message.body {
        case .heartbeat(let heartbeat):
            note(heartbeat, of: place, at: now, into: &effects)
            answerHeartbeat(of: worker, into: &effects)
        case .leaseReturned(let returned): takeBack(returned, of: worker, into: &effects)
        case .drain: members[place].stage = .draining
        case .goodbye(let goodbye):
            let departure: Observation.Departure =
                goodbye.reason == .failed ? .failed(goodbye.explanation) : .drained
            remove(worker.id, departure, at: now, into: &effects)
        case .refusal(let refusal):
            remove(worker.id, .failed(refusal.explanation), at: now, into: &effects)
        default: speaker.ignore(message, from: worker.peer, .notExpected, into: &effects)
        }
    }

    private func answerHeartbeat(of member: Member, into effects: inout [Effect]) {
        guard member.stage != .greeted else { return }
        var recorded = settings.startVersion
        if let server = member.server, let placement {
            let own = placement.shards.filter { $0.primary == server }
            recorded = own.map { shards[$0.index.index].version }.min() ?? recorded
        }
        let heartbeat = Heartbeat(
            activity: .serving, finishedSlots: 0, leases: [],
            durableThrough: shards.map(\.durableThrough).min() ?? settings.startVersion,
            recordedThrough: recorded)
        speaker.send(.heartbeat(heartbeat), to: member.peer, into: &effects)
    }
}
