extension CoordinatorMachine {
    /// The version that every shard has reached.
    var committedVersion: Version { shards.map(\.version).min() ?? settings.startVersion }

    /// The version at which this start of the run ends.
    var targetVersion: Version { stopVersion ?? plan.finalVersion }

    var eligibleWorkers: [MemberID] { members.filter(\.isEligible).map(\.id) }

    // MARK: What to do next

    mutating func advance(at now: Instant, into effects: inout [Effect]) {
        switch state {
        case .gatheringServers:
            let present = members.count { $0.role == .server }
            if present == settings.serverCount { place(at: now, into: &effects) }
        case .loading:
            guard shards.allSatisfy(\.isReady) else { return }
            welcomeWorkers(into: &effects)
            let isFresh = settings.source == .initialValues
            let isSecured = !isFresh || !plan.isCheckpoint(settings.startVersion)
            if isSecured {
                gatherWorkers(at: now, into: &effects)
            } else {
                enter(.securingStart, at: now)
            }
        case .securingStart:
            welcomeWorkers(into: &effects)
            if lastCheckpoint?.version == settings.startVersion {
                gatherWorkers(at: now, into: &effects)
            }
        case .gatheringWorkers:
            welcomeWorkers(into: &effects)
            startTraining(at: now, into: &effects)
        case .training:
            welcomeWorkers(into: &effects)
            finishIfComplete(at: now, into: &effects)
            if state == .training { lease(at: now, into: &effects) }
        case .finishing(let reason):
            if members.isEmpty, journaling.isEmpty { end(reason, into: &effects) }
        case .opening, .placing, .ended: break
        }
    }

    private mutating func gatherWorkers(at now: Instant, into effects: inout [Effect]) {
        enter(.gatheringWorkers, at: now)
        let deadline = now.advanced(milliseconds: limits.firstLeasesMilliseconds)
        effects.append(.setTimer(.firstLeases, deadline: deadline))
        advance(at: now, into: &effects)
    }

    private mutating func startTraining(at now: Instant, into effects: inout [Effect]) {
        let workers = eligibleWorkers.count
        let isLate = now.milliseconds(since: enteredAt) >= limits.firstLeasesMilliseconds
        let isDone = targetVersion <= committedVersion
        guard isDone || workers >= max(1, settings.hintedWorkerCount) || (workers > 0 && isLate)
        else { return }
        enter(.training, at: now)
        effects.append(.cancelTimer(.firstLeases))
        effects.append(.report(.trainingStarted(committedVersion, workers: workers)))
        advance(at: now, into: &effects)
    }

    // MARK: Leases

    /// Opens the current and the next step and grants whatever nobody holds.
    mutating func lease(at now: Instant, into effects: inout [Effect]) {
        let first = committedVersion.index
        let end = min(first + UInt64(limits.leasedSteps), targetVersion.index)
        guard first < end else { return }
        for index in first..<end where !book.contains(Step(index)) { book.open(Step(index)) }
        let workers = eligibleWorkers
        guard !workers.isEmpty else { return }
        for open in book.steps where !open.unassigned.isEmpty {
            let granted = book.assign(open.step, among: workers, at: now)
            for lease in granted { send(lease, into: &effects) }
            if let refusal = refusalByAll(open.step, workers) {
                return fail(
                    .slotsRefused(step: open.step, node: refusal.node, refusal.failure),
                    refusal.failure.explanation, into: &effects)
            }
        }
        confirmClaims(among: workers, at: now, into: &effects)
    }

    private func send(_ granted: LeaseBook.Granted, into effects: inout [Effect]) {
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

    // MARK: Heartbeats of workers

    mutating func note(
        _ heartbeat: Heartbeat, of place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        let old = members[place]
        members[place].heartbeat = heartbeat
        switch (heartbeat.activity, old.stage) {
        case (.joining, _), (_, .greeted): return
        case (.draining, _): members[place].stage = .draining
        case (_, .welcomed):
            members[place].stage = .ready
            welcomeIntoStep(at: now, into: &effects)
        case (_, .ready), (_, .draining): break
        }
        repeatLeases(of: old.id, heartbeat, at: now, into: &effects)
    }

    /// Gives a joiner its share of the newest step, which nobody has begun.
    private mutating func welcomeIntoStep(at now: Instant, into effects: inout [Effect]) {
        guard state == .training, let newest = book.steps.last,
            committedVersion < newest.step.result, newest.step.index > committedVersion.index,
            newest.unassigned.isEmpty
        else { return }
        let (revoked, granted) = book.redistribute(
            newest.step, among: eligibleWorkers, at: now)
        for old in revoked {
            guard let holder = members.first(where: { $0.id == old.holder }) else { continue }
            speaker.send(.leaseRevoked(old.lease.id), to: holder.peer, into: &effects)
        }
        for lease in granted { send(lease, into: &effects) }
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

    // MARK: Commits

    mutating func record(
        _ report: StepCommitted, at now: Instant, into effects: inout [Effect]
    ) {
        guard shards.indices.contains(report.shard.index) else { return }
        let place = report.shard.index
        // In order: the server repeats what is not recorded.
        guard report.step.index == shards[place].version.index else { return }
        shards[place].version = report.step.result
        shards[place].durableThrough = report.durableThrough
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
        effects.append(
            .report(
                .stepCommitted(
                    StepRecord(
                        step: step, decision: reports[0].decision, trailer: reports[0].trailer,
                        shards: reports, workers: workers, workerCount: eligibleWorkers.count,
                        durableThrough: shards.map(\.durableThrough).min() ?? step.result,
                        elapsedMilliseconds: stepMilliseconds))))
        book.close(before: step.result)
        claimAttempts.removeAll { $0.step <= step }
    }
}
