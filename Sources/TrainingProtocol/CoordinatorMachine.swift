/// The coordinator: who takes part, who computes what, and which checkpoints exist.
///
/// No tensor passes through it. Its journal holds what it must not forget; leases and progress are
/// learned again from the members' greetings.
package struct CoordinatorMachine: RoleMachine {
    enum State: Sendable, Equatable {
        /// The journal's first entry is being written.
        case opening
        /// The members of the coordinator that was here before greet again.
        case meetingAgain
        /// A checkpoint to go back to is looked for, journaled, and the ledger cut there.
        case goingBack
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
        /// The newest.
        var greeting: Greeting
        var server: ServerIndex?
        var stage: Stage = .greeted
        var heardAt: Instant
        /// The link broke, and nothing has been heard since.
        var suspectedAt: Instant?
        /// The link last broke.
        var brokenAt: Instant?
        var heartbeat: Heartbeat = .plain(.joining)
        /// Of the placement that it is sure to know: what its state is made from.
        var knownRevision: UInt64 = 0

        var peer: Peer { .member(incarnation) }
        var isEligible: Bool { role == .worker && stage == .ready && suspectedAt == nil }
    }

    struct Shard: Sendable {
        /// Reports of the steps before this version have come in.
        var reported: Version
        /// What the primary is known to hold; lower again where a backup was promoted.
        var version: Version
        var durableThrough: Version
        var stateHash = Digest(0)
        /// The newest word on what the shard misses.
        var progress: ServerProgress?
        var progressAt = Instant(nanoseconds: 0)
        /// Reports of steps that some other shard has not reported, by step.
        var reports: [StepCommitted] = []
        var isReady = false
        /// The primary waits for its backup, which may be promoted once that is journaled.
        var isSynchronous = false
        /// The primary cannot use its backup.
        var isUnbacked = false
    }

    enum AfterJournal: Sendable {
        case begin
        case place
        case welcomeWorkers
        case publish(CheckpointReference)
        case change(Placement)
        case synchronise([ShardIndex])
        case goBack(CheckpointReference)
        case scale(Int, asker: Peer)
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
    var nextServer = 0
    /// Everybody who was ever a member, by id.
    var history: [(incarnation: Incarnation, member: MemberID)] = []
    var placement: Placement?
    /// Shards whose backup may be promoted, as journaled.
    var inSync: [ShardIndex] = []
    /// By shard.
    var shards: [Shard] = []
    /// Where this timeline of the run began.
    var source: LoadSource
    var startVersion: Version
    /// Shard terms of this timeline begin here.
    var firstTerm = ShardTerm(0)
    /// The newest roll-back: who knows only older placements must go back.
    var rollBack: (target: CheckpointReference, revision: UInt64)?
    var book: LeaseBook
    var pace = SlotPace()
    var numericsClass: NumericsClass?
    var isNumericsClassJournaled: Bool
    var checkpoints: [CheckpointCollection] = []
    var lastCheckpoint: CheckpointReference?
    /// Given up since the last checkpoint that is on disk; each once, however many shards failed.
    var failedCheckpoints: [Version] = []
    /// The version that the ledger on the disk has reached, and what is on its way there.
    var recordedThrough: Version
    var unrecorded: [StepRecord] = []
    var recording: (job: JobID, through: Version)?
    var finding: JobID?
    var cutting: (job: JobID, target: CheckpointReference)?
    var stopVersion: Version?
    var stopRequestedAt: Instant?
    var workersWanted: Int?
    var workerLeftAt = Instant(nanoseconds: 0)
    var claimAttempts: [(step: Step, node: SlotRange, attempt: Attempt)] = []
    var alarms: [String] = []
    var enteredAt = Instant(nanoseconds: 0)
    var advancedAt = Instant(nanoseconds: 0)
    var reportedAt = Instant(nanoseconds: 0)
    /// No lease is granted before this: workers of an earlier coordinator bring their own.
    var leasesFrom = Instant(nanoseconds: 0)
    /// Leases that were granted to a second worker because the first was late.
    var speculated: [LeaseID] = []
    /// Workers that were late and have finished nothing since; in the order in which they came to it.
    var onTrial: [MemberID] = []
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
        book = LeaseBook(tree: settings.plan.tree, term: settings.coordinatorTerm)
        source = settings.source
        startVersion = settings.startVersion
        recordedThrough = settings.recordedThrough
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
            journal(entry, then: .begin, into: &effects)
            setTick(at: now, into: &effects)
        case .stopRequested: requestStop(at: now, into: &effects)
        case .received(let message, let peer):
            receive(message, from: peer, at: now, into: &effects)
        case .disconnected(let peer): suspect(peer, at: now, into: &effects)
        case .timerFired(.tick): tick(at: now, into: &effects)
        case .timerFired(.firstLeases): break  // `advance` finds the wait to be over.
        case .timerFired(.suspicion): removeSilent(at: now, into: &effects)
        case .timerFired(.farewell): farewell(into: &effects)
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

    mutating func alarm(_ text: String) {
        alarms.append(text)
        if alarms.count > 100 { alarms.removeFirst() }
    }

    // MARK: Messages

    private mutating func receive(
        _ message: Message, from peer: Peer, at now: Instant, into effects: inout [Effect]
    ) {
        guard speaker.admits(message, from: peer, into: &effects) else { return }
        switch message.body {
        case .greeting(let greeting):
            return greet(greeting, message.header, from: peer, at: now, into: &effects)
        case .statusRequested:
            return speaker.send(.status(status(at: now)), to: peer, into: &effects)
        case .scaleRequested(let request):
            return scale(request, for: peer, into: &effects)
        default: break
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
        case .goodbye, .refusal: return
        default: break
        }
        if history.contains(where: { .member($0.incarnation) == peer }) {
            let explanation = "this process was declared lost; start it again to take part"
            let refusal = Refusal(code: .declaredLost, explanation: explanation)
            return speaker.send(.refusal(refusal), to: peer, into: &effects)
        }
        guard message.header.run == settings.run, settings.recovered != nil else {
            return speaker.ignore(message, from: peer, .unknownSender, into: &effects)
        }
        // It knows an earlier coordinator; this one's term makes it greet.
        speaker.send(.heartbeat(.plain(.serving)), to: peer, into: &effects)
    }

    private mutating func receive(
        _ message: Message, fromServer place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        let server = members[place]
        let term = message.header.shardTerm
        switch message.body {
        case .heartbeat(let heartbeat):
            members[place].heartbeat = heartbeat
            if heartbeat.activity == .draining { drain(place, at: now, into: &effects) }
            answerHeartbeat(of: place, heartbeat, into: &effects)
        case .serverReady(let ready): note(ready.shards)
        case .serverProgress(let progress):
            if leads(server, progress.shard, term) { note(progress, at: now, into: &effects) }
        case .stepCommitted(let report):
            if leads(server, report.shard, term) { record(report, at: now, into: &effects) }
        case .backupLost(let lost):
            if leads(server, lost.shard, term) { note(lost) }
        case .shardWritten where !isOfThisTimeline(term),
            .shardNotWritten where !isOfThisTimeline(term):
            speaker.ignore(message, from: server.peer, .oldTerm, into: &effects)
        case .shardWritten(let written):
            collect(written, from: server, at: now, into: &effects)
        case .shardNotWritten(let failure):
            acknowledge(failure.shard, failure.version, to: server, into: &effects)
            failCheckpoint(failure.version, failure.explanation, at: now, into: &effects)
        case .drain: drain(place, at: now, into: &effects)
        case .goodbye(let goodbye): remove(server.id, departure(goodbye), at: now, into: &effects)
        case .refusal(let refusal):
            remove(server.id, .failed(refusal.explanation), at: now, into: &effects)
        default: speaker.ignore(message, from: server.peer, .notExpected, into: &effects)
        }
    }

    /// Whether a server speaks for a shard: only its primary of the newest term does.
    private func leads(_ member: Member, _ shard: ShardIndex, _ term: ShardTerm) -> Bool {
        switch state {
        // What counts is being decided anew.
        case .goingBack, .gatheringServers, .placing: return false
        default: break
        }
        guard let placement, placement.shards.indices.contains(shard.index) else { return false }
        #if PLANTED_NO_FENCING
            return true
        #else
            return placement[shard].term == term && placement[shard].primary == member.server
        #endif
    }

    /// Whether a shard of this term counts: one written before a roll-back is of a run that may have
    /// been cut otherwise.
    private func isOfThisTimeline(_ term: ShardTerm) -> Bool {
        switch state {
        case .goingBack, .gatheringServers, .placing: false
        default: firstTerm <= term
        }
    }

    private mutating func receive(
        _ message: Message, fromWorker place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        let worker = members[place]
        switch message.body {
        case .heartbeat(let heartbeat):
            note(heartbeat, of: place, at: now, into: &effects)
            answerHeartbeat(of: place, heartbeat, into: &effects)
        case .leaseReturned(let returned): takeBack(returned, of: worker, into: &effects)
        case .drain: members[place].stage = .draining
        case .goodbye(let goodbye): remove(worker.id, departure(goodbye), at: now, into: &effects)
        case .refusal(let refusal):
            remove(worker.id, .failed(refusal.explanation), at: now, into: &effects)
        default: speaker.ignore(message, from: worker.peer, .notExpected, into: &effects)
        }
    }

    private func departure(_ goodbye: Goodbye) -> Observation.Departure {
        goodbye.reason == .failed ? .failed(goodbye.explanation) : .drained
    }

    private mutating func answerHeartbeat(
        of place: Int, _ heartbeat: Heartbeat, into effects: inout [Effect]
    ) {
        members[place].knownRevision = max(
            members[place].knownRevision, heartbeat.placementRevision)
        let member = members[place]
        guard member.stage != .greeted else { return }
        let answer = Heartbeat(
            activity: .serving, finishedSlots: 0, leases: [],
            durableThrough: durableThrough, recordedThrough: recordedThrough,
            placementRevision: placement?.revision ?? 0)
        speaker.send(.heartbeat(answer), to: member.peer, into: &effects)
        tellPlacement(to: member, into: &effects)
    }

    // MARK: Operators

    private mutating func scale(
        _ request: ScaleRequest, for peer: Peer, into effects: inout [Effect]
    ) {
        guard (0...limits.workerCount).contains(request.workerCount) else { return }
        journal(
            .workersWanted(request.workerCount), then: .scale(request.workerCount, asker: peer),
            into: &effects)
    }

    package func status(at now: Instant) -> ClusterStatus {
        let members = members.map { member in
            MemberStatus(
                member: member.id, role: member.role, host: member.greeting.host,
                processID: member.greeting.processID, activity: member.heartbeat.activity,
                silenceMilliseconds: now.milliseconds(since: member.heardAt),
                leases: book.leases(of: member.id).map(\.lease),
                slotMilliseconds: pace.slotMilliseconds(of: member.id),
                inputWaitPermille: member.heartbeat.inputWaitPermille,
                pullWaitPermille: member.heartbeat.pullWaitPermille)
        }
        return ClusterStatus(
            version: committedVersion, finalVersion: plan.finalVersion,
            durableThrough: durableThrough, stepMilliseconds: stepMilliseconds, members: members,
            shards: shardStatuses, lastCheckpoint: lastCheckpoint, alarms: alarms)
    }

    private var shardStatuses: [ShardStatus] {
        zip(placement?.shards ?? [], shards).flatMap { placed, shard in
            let primary = ShardStatus(
                shard: placed.index, part: .primary, term: placed.term, version: shard.version,
                durableThrough: shard.durableThrough, stateHash: shard.stateHash)
            guard inSync.contains(placed.index) else { return [primary] }
            let backup = ShardStatus(
                shard: placed.index, part: .backup, term: placed.term,
                version: shard.durableThrough, durableThrough: shard.durableThrough,
                stateHash: shard.stateHash)
            return [primary, backup]
        }
    }
}
