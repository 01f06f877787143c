extension CoordinatorMachine {
    // MARK: Stopping

    mutating func requestStop(at now: Instant, into effects: inout [Effect]) {
        guard let first = stopRequestedAt else { return stop(at: now, into: &effects) }
        guard now.milliseconds(since: first) >= limits.stopRepetitionMilliseconds else { return }
        broadcast(
            .finish(Finish(outcome: .stopped, explanation: "stopped at once")), to: nil,
            into: &effects)
        end(.aborted, into: &effects)
    }

    mutating func stop(at now: Instant, into effects: inout [Effect]) {
        guard stopRequestedAt == nil, !isLeaving else { return }
        stopRequestedAt = now
        guard state == .training else {
            return leave(
                .stopped(lastCheckpoint), .stopped, "stopped before training", at: now,
                into: &effects)
        }
        let newest = book.steps.last { !$0.granted.isEmpty }?.step.result
        let version = max(committedVersion, newest ?? committedVersion)
        orderStop(at: version, into: &effects)
    }

    private mutating func orderStop(at version: Version, into effects: inout [Effect]) {
        stopVersion = version
        effects.append(.report(.stopping(at: version)))
        orderCheckpoint(into: &effects)
    }

    /// Asks for the checkpoint at which the run stops.
    private func orderCheckpoint(into effects: inout [Effect]) {
        guard let stopVersion, lastCheckpoint?.version != stopVersion,
            !plan.isCheckpoint(stopVersion)
        else { return }
        broadcast(.checkpointRequested(stopVersion), to: .server, into: &effects)
    }

    /// Asks again for the checkpoint that the run ends with: a primary, or this coordinator, may be
    /// new, and a shard that was written may be known to nobody.
    private func repeatLastCheckpoint(at now: Instant, into effects: inout [Effect]) {
        guard state == .training, targetVersion <= committedVersion,
            lastCheckpoint?.version != targetVersion,
            now.milliseconds(since: advancedAt) >= limits.retryMilliseconds
        else { return orderCheckpoint(into: &effects) }
        let collection = checkpoints.first { $0.version == targetVersion }
        let missing = collection?.missing(of: shards.count) ?? shards.indices.map { ShardIndex($0) }
        for member in members where member.server != nil {
            guard missing.contains(where: { placement?.primary(of: $0) == member.server }) else {
                continue
            }
            speaker.send(.checkpointRequested(targetVersion), to: member.peer, into: &effects)
        }
    }

    /// Without workers the granted steps never end: the run then stops where the shards stand, if
    /// they stand at one version and each has said, since the last worker left, that it misses
    /// slots: what the workers delivered last may be on its way into a commit.
    private mutating func settleStop(at now: Instant, into effects: inout [Effect]) {
        guard let stopVersion, committedVersion < stopVersion,
            !members.contains(where: { $0.role == .worker })
        else { return }
        let version = committedVersion
        let areStuck = shards.allSatisfy { shard in
            guard shard.version == version, workerLeftAt < shard.progressAt else { return false }
            let open = shard.progress?.openSteps.first { $0.step == version.nextStep }
            return open.map { !$0.missing.isEmpty } ?? false
        }
        if areStuck { orderStop(at: version, into: &effects) }
    }

    // MARK: The end

    mutating func finishIfComplete(at now: Instant, into effects: inout [Effect]) {
        settleStop(at: now, into: &effects)
        guard state == .training, targetVersion <= committedVersion,
            targetVersion <= recordedThrough,
            lastCheckpoint?.version == targetVersion, let lastCheckpoint
        else { return }
        if targetVersion == plan.finalVersion {
            leave(.completed, .completed, "the run is complete", at: now, into: &effects)
        } else {
            leave(
                .stopped(lastCheckpoint), .stopped, "stopped at version \(targetVersion)",
                at: now, into: &effects)
        }
    }

    mutating func leave(
        _ reason: TerminationReason, _ outcome: Finish.Outcome, _ explanation: String,
        at now: Instant, into effects: inout [Effect]
    ) {
        enter(.finishing(reason), at: now)
        journal(.finished(outcome), then: .farewell, into: &effects)
        broadcast(
            .finish(Finish(outcome: outcome, explanation: explanation)), to: nil, into: &effects)
        effects.append(
            .setTimer(
                .farewell, deadline: now.advanced(milliseconds: limits.farewellMilliseconds)))
    }

    mutating func farewell(into effects: inout [Effect]) {
        guard case .finishing(let reason) = state else { return }
        let missing = Wait.goodbyes(members.map(\.id))
        effects.append(.report(.waiting(missing)))
        end(reason, into: &effects)
    }

    /// Ends the run for everybody, naming the cause.
    mutating func fail(
        _ reason: TerminationReason, _ explanation: String, into effects: inout [Effect]
    ) {
        broadcast(
            .finish(Finish(outcome: .failed, explanation: explanation)), to: nil, into: &effects)
        end(reason, into: &effects)
    }

    mutating func end(_ reason: TerminationReason, into effects: inout [Effect]) {
        state = .ended
        effects.append(.cancelTimer(.tick))
        effects.append(.cancelTimer(.suspicion))
        effects.append(.cancelTimer(.farewell))
        effects.append(.terminate(reason))
    }

    // MARK: Time

    mutating func tick(at now: Instant, into effects: inout [Effect]) {
        setTick(at: now, into: &effects)
        removeSilent(at: now, into: &effects)
        if state == .ended || isLeaving { return }
        settleBook()
        repeatLastCheckpoint(at: now, into: &effects)
        abandonCheckpoints(at: now)
        releaseLeavers(into: &effects)
        speculate(at: now, into: &effects)
        if let requested = stopRequestedAt,
            now.milliseconds(since: requested) > limits.stopMilliseconds
        {
            return leave(
                .stopped(lastCheckpoint), .stopped, "stopped without a new checkpoint", at: now,
                into: &effects)
        }
        guard let (wait, limit) = currentWait() else { return }
        let waited = now.milliseconds(since: advancedAt)
        if waited > limit {
            return fail(
                .deadlinePassed(wait, milliseconds: waited), "waited \(waited) ms: \(wait)",
                into: &effects)
        }
        guard now.milliseconds(since: max(advancedAt, reportedAt)) > limits.waitReportMilliseconds
        else { return }
        reportedAt = now
        effects.append(.report(.waiting(wait)))
    }

    /// What the run waits for now, who is missing, and for how long that may last.
    private func currentWait() -> (Wait, limitMilliseconds: UInt64)? {
        let workers = eligibleWorkers.count
        switch state {
        case .gatheringServers:
            let present = members.count { $0.role == .server }
            let wait = Wait.servers(present: present, wanted: settings.serverCount)
            return (wait, limits.joinMilliseconds)
        case .loading:
            let late = shards.indices.filter { !shards[$0].isReady }.compactMap {
                placement?.shards[$0].primary
            }
            return (.ready(late), limits.loadMilliseconds)
        case .securingStart: return checkpointWait(of: startVersion)
        case .gatheringWorkers:
            let wait = Wait.workers(present: workers, wanted: max(1, settings.hintedWorkerCount))
            return (wait, limits.idleMilliseconds)
        case .training:
            if targetVersion <= committedVersion { return checkpointWait(of: targetVersion) }
            guard workers > 0 else {
                return (.workers(present: 0, wanted: 1), limits.idleMilliseconds)
            }
            return (stepWait(), limits.stepMilliseconds)
        case .opening, .meetingAgain, .goingBack, .placing, .finishing, .ended: return nil
        }
    }

    private func checkpointWait(of version: Version) -> (Wait, limitMilliseconds: UInt64) {
        let collection = checkpoints.first { $0.version == version }
        let all = shards.indices.map { ShardIndex($0) }
        let missing = collection?.missing(of: shards.count) ?? all
        return (.checkpoint(version, missing: missing), limits.checkpointMilliseconds)
    }

    private func stepWait() -> Wait {
        let step = committedVersion.nextStep
        let open = shards.compactMap { shard in
            shard.progress?.openSteps.first { $0.step == step }
        }
        let missing = union(open.flatMap(\.missing)).map { range in
            let holders = book.steps.flatMap(\.granted).filter {
                $0.lease.step == step && $0.lease.node.overlaps(range)
            }.map(\.holder)
            let unique = holders.reduce(into: [MemberID]()) { known, holder in
                if !known.contains(holder) { known.append(holder) }
            }
            return MissingSlots(range: range, holders: unique.sorted())
        }
        return .step(step, missing: missing)
    }
}
