extension CoordinatorMachine {
    /// The version that every shard has reached.
    var committedVersion: Version { shards.map(\.version).min() ?? startVersion }

    /// The version that no single loss can undo.
    var durableThrough: Version { shards.map(\.durableThrough).min() ?? startVersion }

    /// The version at which this start of the run ends.
    var targetVersion: Version { stopVersion ?? plan.finalVersion }

    var eligibleWorkers: [MemberID] { members.filter(\.isEligible).map(\.id) }

    // MARK: What to do next

    mutating func advance(at now: Instant, into effects: inout [Effect]) {
        switch state {
        case .meetingAgain: endMeeting(at: now, into: &effects)
        case .gatheringServers: gatherServers(at: now, into: &effects)
        case .loading:
            repair(at: now, into: &effects)
            // Leases must not reach a worker before it knows where the run goes on from.
            guard state == .loading,
                shards.allSatisfy({ $0.isReady && $0.progress != nil })
            else { return }
            finishLoading(at: now, into: &effects)
        case .securingStart:
            repair(at: now, into: &effects)
            welcomeWorkers(into: &effects)
            if state == .securingStart, lastCheckpoint?.version == startVersion {
                gatherWorkers(at: now, into: &effects)
            }
        case .gatheringWorkers:
            repair(at: now, into: &effects)
            guard state == .gatheringWorkers else { return }
            welcomeWorkers(into: &effects)
            welcomeLateServers(into: &effects)
            startTraining(at: now, into: &effects)
        case .training:
            repair(at: now, into: &effects)
            guard state == .training else { return }
            welcomeWorkers(into: &effects)
            welcomeLateServers(into: &effects)
            recordInLedger(into: &effects)
            completeCheckpoints(into: &effects)
            finishIfComplete(at: now, into: &effects)
            if state == .training { lease(at: now, into: &effects) }
        case .finishing(let reason):
            if members.isEmpty, journaling.isEmpty { end(reason, into: &effects) }
        case .opening, .goingBack, .placing, .ended: break
        }
    }

    /// A run that begins waits for all its servers; one that goes back takes those that are here,
    /// after giving the others time to be started again.
    private mutating func gatherServers(at now: Instant, into effects: inout [Effect]) {
        let present = members.count(where: isPlaceable)
        let isLate = now.milliseconds(since: enteredAt) >= limits.rejoinMilliseconds
        let mayBeFewer = rollBack != nil && isLate && present > 0
        guard present >= settings.serverCount || mayBeFewer else { return }
        place(at: now, into: &effects)
    }

    private mutating func finishLoading(at now: Instant, into effects: inout [Effect]) {
        welcomeWorkers(into: &effects)
        let isSecured = source != .initialValues || !plan.isCheckpoint(startVersion)
        if isSecured {
            gatherWorkers(at: now, into: &effects)
        } else {
            enter(.securingStart, at: now)
        }
    }

    private mutating func gatherWorkers(at now: Instant, into effects: inout [Effect]) {
        enter(.gatheringWorkers, at: now)
        for member in members where member.role == .worker {
            tellPlacement(to: member, into: &effects)
        }
        let deadline = now.advanced(milliseconds: limits.firstLeasesMilliseconds)
        effects.append(.setTimer(.firstLeases, deadline: deadline))
        advance(at: now, into: &effects)
    }

    private mutating func startTraining(at now: Instant, into effects: inout [Effect]) {
        let workers = eligibleWorkers.count
        let hint = settings.recovered == nil && rollBack == nil ? settings.hintedWorkerCount : 1
        let isLate = now.milliseconds(since: enteredAt) >= limits.firstLeasesMilliseconds
        let isDone = targetVersion <= committedVersion
        guard isDone || workers >= max(1, hint) || (workers > 0 && isLate) else { return }
        enter(.training, at: now)
        effects.append(.cancelTimer(.firstLeases))
        effects.append(.report(.trainingStarted(committedVersion, workers: workers)))
        advance(at: now, into: &effects)
    }

    // MARK: Leases

    /// Opens the steps that may be begun and the next one, and grants whatever nobody holds.
    mutating func lease(at now: Instant, into effects: inout [Effect]) {
        let first = committedVersion.index
        let end = min(first + UInt64(limits.leasedSteps) + plan.lag, targetVersion.index)
        guard first < end else { return }
        for index in first..<end where !book.contains(Step(index)) { book.open(Step(index)) }
        let workers = eligibleWorkers
        guard !workers.isEmpty, leasesFrom <= now else { return }
        for open in book.steps where !open.unassigned.isEmpty {
            let refused = refusalByAll(open.step, relied) != nil
            let granted = book.assign(open.step, among: refused ? workers : relied, at: now)
            for lease in granted { send(lease, into: &effects) }
            if let refusal = refusalByAll(open.step, workers) {
                return fail(
                    .slotsRefused(step: open.step, node: refusal.node, refusal.failure),
                    refusal.failure.explanation, into: &effects)
            }
        }
        confirmClaims(among: workers, at: now, into: &effects)
    }

    func send(_ granted: LeaseBook.Granted, into effects: inout [Effect]) {
        guard let member = members.first(where: { $0.id == granted.holder }) else { return }
        effects.append(.report(.leased(granted.lease, to: granted.holder)))
        speaker.send(.lease(granted.lease), to: member.peer, into: &effects)
    }

    private func refusalByAll(_ step: Step, _ workers: [MemberID]) -> LeaseBook.Refusal? {
        guard let open = book.steps.first(where: { $0.step == step }) else { return nil }
        for range in open.unassigned {
            let refusals = open.refusals.filter { $0.node.overlaps(range) }
            let isRefusedByAll = workers.allSatisfy { worker in
                refusals.contains { $0.member == worker }
            }
            if isRefusedByAll, let last = refusals.last { return last }
        }
        return nil
    }

    /// A non-finite trailer is believed when a second attempt agrees, so one is ordered.
    private mutating func confirmClaims(
        among workers: [MemberID], at now: Instant, into effects: inout [Effect]
    ) {
        for shard in shards {
            for open in shard.progress?.openSteps ?? [] where book.contains(open.step) {
                for claim in open.claims {
                    confirm(claim, open.step, among: workers, at: now, into: &effects)
                    if state == .ended { return }
                }
            }
        }
    }

    private mutating func confirm(
        _ claim: ServerProgress.NonFiniteClaim, _ step: Step, among workers: [MemberID],
        at now: Instant, into effects: inout [Effect]
    ) {
        let asked = claimAttempts.filter { $0.step == step && $0.node == claim.node }
        // As long as an ordered attempt has not come in, it is waited for.
        let isUnderWay = asked.contains { asked in
            !claim.attempts.contains(asked.attempt)
                && book.steps.contains { open in
                    open.granted.contains {
                        $0.lease.step == step && $0.lease.attempt == asked.attempt
                    }
                }
        }
        guard !isUnderWay else { return }
        if asked.count >= limits.nonFiniteAttempts {
            let explanation =
                "\(asked.count + 1) attempts at node \(claim.node) do not agree on its trailer"
            return fail(
                .inconsistent(step: step, explanation), explanation, into: &effects)
        }
        let holders = book.steps.flatMap(\.granted).filter {
            $0.lease.step == step && claim.attempts.contains($0.lease.attempt)
        }.map(\.holder)
        let worker = workers.first { !holders.contains($0) } ?? workers[0]
        guard
            let granted = book.grantCopy(of: claim.node, of: step, to: worker, at: now)
        else { return }
        claimAttempts.append((step, claim.node, granted.lease.attempt))
        send(granted, into: &effects)
    }

    mutating func takeBack(
        _ returned: LeaseReturned, of worker: Member, into effects: inout [Effect]
    ) {
        guard let granted = book.granted(returned.lease), granted.holder == worker.id else {
            return
        }
        withdraw(returned.lease)
        effects.append(
            .report(
                .leaseReturned(
                    granted.lease, by: worker.id, returned.reason,
                    explanation: returned.explanation)))
        switch returned.reason {
        case .draining, .revoked: break
        case .data, .failed:
            let kind: JobFailure.Kind = returned.reason == .data ? .data : .computation
            let failure = JobFailure(kind: kind, explanation: returned.explanation)
            book.note(
                .init(node: granted.lease.node, member: worker.id, failure: failure),
                step: granted.lease.step)
        }
    }

    /// Slots whose holders and servers are gone wait to be granted again.
    mutating func settleBook() {
        book.close(before: durableThrough)
        let shards = shards
        book.settle { step, node in CoordinatorMachine.isCovered(step, node, shards) }
    }

    // MARK: Heartbeats of workers

    mutating func note(
        _ heartbeat: Heartbeat, of place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        let old = members[place]
        members[place].heartbeat = heartbeat
        if heartbeat.current == old.heartbeat.current, heartbeat.current != nil {
            let finished = heartbeat.finishedSlots - old.heartbeat.finishedSlots
            pace.note(
                old.id, finished: finished, in: limits.heartbeatIntervalMilliseconds)
            if finished > 0 { rely(on: old.id) }
        } else if old.heartbeat.current != nil {
            rely(on: old.id)
        }
        switch (heartbeat.activity, old.stage) {
        case (.joining, _), (_, .greeted): return
        case (.draining, _): members[place].stage = .draining
        case (_, .welcomed):
            members[place].stage = .ready
            if !isKnownWorker(old) { welcomeIntoStep(old.id, at: now, into: &effects) }
        case (_, .ready), (_, .draining): break
        }
        repeatLeases(of: old.id, heartbeat, at: now, into: &effects)
    }

    /// Gives a joiner its share of the newest step, which nobody has begun; where there are more
    /// workers than slots, a copy of somebody's.
    private mutating func welcomeIntoStep(
        _ joiner: MemberID, at now: Instant, into effects: inout [Effect]
    ) {
        guard state == .training, let newest = book.steps.last,
            committedVersion < newest.step.result, newest.step.index > committedVersion.index,
            newest.unassigned.isEmpty
        else { return }
        let (revoked, granted) = book.redistribute(
            newest.step, among: relied, at: now)
        for old in revoked {
            guard let holder = members.first(where: { $0.id == old.holder }) else { continue }
            speaker.send(.leaseRevoked(old.lease.id), to: holder.peer, into: &effects)
        }
        for lease in granted { send(lease, into: &effects) }
        guard book.leases(of: joiner).isEmpty, let any = granted.first ?? newest.granted.first,
            let copy = book.grantCopy(
                of: any.lease.node, of: newest.step, to: joiner, at: now)
        else { return }
        send(copy, into: &effects)
    }

    /// Sends again the leases that a worker should hold and does not name.
    private mutating func repeatLeases(
        of worker: MemberID, _ heartbeat: Heartbeat, at now: Instant, into effects: inout [Effect]
    ) {
        for granted in book.leases(of: worker)
        where !heartbeat.leases.contains(granted.lease.id)
            && now.milliseconds(since: granted.sent) >= limits.retryMilliseconds
            && !CoordinatorMachine.isCovered(granted.lease.step, granted.lease.node, shards)
        {
            book.touch(granted.lease.id, at: now)
            send(granted, into: &effects)
        }
    }

    // MARK: Progress of servers

    mutating func note(
        _ progress: ServerProgress, at now: Instant, into effects: inout [Effect]
    ) {
        let place = progress.shard.index
        let isFirst = shards[place].progress == nil
        shards[place].progress = progress
        shards[place].progressAt = now
        shards[place].isReady = true
        raise(place, to: progress.version, durableThrough: progress.durableThrough)
        let backup = placement?[progress.shard].backup
        shards[place].isSynchronous = backup != nil && progress.synchronousBackup == backup
        guard isFirst else { return }
        settleBook()
        for member in members where member.role == .worker {
            tellPlacement(to: member, into: &effects)
        }
    }

    private mutating func raise(
        _ place: Int, to version: Version, durableThrough durable: Version
    ) {
        shards[place].version = max(shards[place].version, version)
        guard shards[place].durableThrough < durable else { return }
        shards[place].durableThrough = durable
        book.close(before: durableThrough)
    }

    mutating func record(
        _ report: StepCommitted, at now: Instant, into effects: inout [Effect]
    ) {
        let place = report.shard.index
        raise(place, to: report.step.result, durableThrough: report.durableThrough)
        // In order: the server repeats what is not recorded.
        guard report.step.index == shards[place].reported.index else { return }
        shards[place].reported = report.step.result
        shards[place].stateHash = report.stateHash
        shards[place].reports.append(report)
        completeSteps(at: now, into: &effects)
    }

    private mutating func completeSteps(at now: Instant, into effects: inout [Effect]) {
        while shards.allSatisfy({ !$0.reports.isEmpty }) {
            let reports = shards.indices.map { shards[$0].reports.removeFirst() }
            let first = reports[0]
            for other in reports.dropFirst()
            where other.decision != first.decision || other.trailer != first.trailer {
                let explanation =
                    "shard \(first.shard) decided \(first.decision) and shard \(other.shard) "
                    + "\(other.decision), or their trailers differ"
                return fail(
                    .inconsistent(step: first.step, explanation), explanation, into: &effects)
            }
            if let slot = first.trailer.nonFiniteSlot {
                guard plan.nonFinitePolicy == .skip else {
                    return fail(
                        .notFinite(step: first.step, slot: slot),
                        "slot \(slot) of step \(first.step) is not finite", into: &effects)
                }
                alarm("step \(first.step) was skipped: slot \(slot) is not finite")
                effects.append(.report(.stepSkipped(first.step, slot: slot)))
            }
            complete(first.step, reports, at: now, into: &effects)
        }
    }

    private mutating func complete(
        _ step: Step, _ reports: [StepCommitted], at now: Instant, into effects: inout [Effect]
    ) {
        let workers = reports[0].trailerContributions.compactMap { contribution in
            history.first { $0.incarnation == contribution.incarnation }.map {
                (node: contribution.node, member: $0.member)
            }
        }
        stepMilliseconds = now.milliseconds(since: advancedAt)
        advancedAt = now
        pace.note(stepMilliseconds: stepMilliseconds, slotsOfBusiest: slotsOfBusiest(step))
        let record = StepRecord(
            step: step, decision: reports[0].decision, trailer: reports[0].trailer,
            shards: reports, workers: workers, workerCount: eligibleWorkers.count,
            durableThrough: durableThrough, elapsedMilliseconds: stepMilliseconds)
        effects.append(.report(.stepCommitted(record)))
        unrecorded.append(record)
        claimAttempts.removeAll { $0.step <= step }
        speculated = []
        for worker in workers { rely(on: worker.member) }
    }

    private func slotsOfBusiest(_ step: Step) -> Int {
        guard let open = book.steps.first(where: { $0.step == step }) else {
            return plan.slotCount
        }
        return open.granted.map(\.holder).map { holder in
            open.granted.reduce(0) { $0 + ($1.holder == holder ? $1.lease.node.count : 0) }
        }.max() ?? plan.slotCount
    }

    /// Steps enter the ledger in batches: one is written while the next gathers.
    mutating func recordInLedger(into effects: inout [Effect]) {
        guard recording == nil, let last = unrecorded.last else { return }
        recording = (
            speaker.start(.record(unrecorded), into: &effects), last.step.result
        )
        unrecorded = []
    }
}
