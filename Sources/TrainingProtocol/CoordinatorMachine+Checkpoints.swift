extension CoordinatorMachine {
    // MARK: Shards' reports

    mutating func collect(
        _ written: ShardWritten, from server: Member, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard shards.indices.contains(written.shard.index) else { return }
        acknowledge(written.shard, written.version, to: server, into: &effects)
        if let last = lastCheckpoint, written.version <= last.version { return }
        if failedCheckpoints.contains(written.version) { return }
        if !checkpoints.contains(where: { $0.version == written.version }) {
            checkpoints.append(CheckpointCollection(version: written.version, startedAt: now))
            effects.append(.report(.checkpointStarted(written.version)))
        }
        for place in checkpoints.indices where checkpoints[place].version == written.version {
            checkpoints[place].add(written)
            guard checkpoints[place].stage == .collecting,
                checkpoints[place].missing(of: shards.count).isEmpty
            else { continue }
            let manifest = ManifestJob(
                version: written.version, numericsClass: numericsClass,
                shards: checkpoints[place].written)
            let job = speaker.start(.writeManifest(manifest), into: &effects)
            checkpoints[place].stage = .writing(job)
        }
    }

    func acknowledge(
        _ shard: ShardIndex, _ version: Version, to server: Member, into effects: inout [Effect]
    ) {
        let acknowledged = ShardWrittenAcknowledged(shard: shard, version: version)
        speaker.send(.shardWrittenAcknowledged(acknowledged), to: server.peer, into: &effects)
    }

    /// A checkpoint that cannot be written is given up; the run goes on while others succeed.
    mutating func failCheckpoint(
        _ version: Version, _ explanation: String, at now: Instant, into effects: inout [Effect]
    ) {
        guard !failedCheckpoints.contains(version) else { return }
        checkpoints.removeAll { $0.version == version }
        failedCheckpoints.append(version)
        alarms.append("checkpoint \(version): \(explanation)")
        if alarms.count > 100 { alarms.removeFirst() }
        effects.append(.report(.checkpointFailed(version, explanation: explanation)))
        let isNeeded =
            version == targetVersion || version == settings.startVersion
            || failedCheckpoints.count >= limits.checkpointFailuresInRow
        guard isNeeded, !isLeaving else { return }
        fail(
            .checkpointFailed(version, explanation), "checkpoint \(version): \(explanation)",
            into: &effects)
    }

    // MARK: Jobs

    mutating func finish(
        _ job: JobID, _ outcome: JobOutcome, at now: Instant, into effects: inout [Effect]
    ) {
        switch outcome {
        case .journaled:
            guard let place = journaling.firstIndex(where: { $0.job == job }) else { return }
            let next = journaling.remove(at: place).next
            continueAfterJournal(next, at: now, into: &effects)
        case .manifestWritten(let reference):
            for place in checkpoints.indices where checkpoints[place].stage == .writing(job) {
                checkpoints[place].stage = .journaling
                journal(
                    .checkpointCommitted(reference), then: .publish(reference), into: &effects)
            }
        case .failed(let failure):
            if let failed = checkpoints.first(where: { $0.stage == .writing(job) }) {
                failCheckpoint(failed.version, failure.explanation, at: now, into: &effects)
            } else {
                fail(.jobFailed(failure), failure.explanation, into: &effects)
            }
        case .prepared, .computed, .loaded, .inspected, .committed, .written:
            preconditionFailure("a coordinator never starts the job that ended with \(outcome)")
        }
    }

    private mutating func continueAfterJournal(
        _ next: AfterJournal, at now: Instant, into effects: inout [Effect]
    ) {
        switch next {
        case .gather:
            if state == .opening { enter(.gatheringServers, at: now) }
        case .place:
            if state == .placing { welcomeServers(at: now, into: &effects) }
        case .welcomeWorkers:
            isNumericsClassJournaled = true
            welcomeWorkers(into: &effects)
        case .publish(let reference):
            checkpoints.removeAll { $0.version <= reference.version }
            failedCheckpoints = []
            lastCheckpoint = reference
            effects.append(.report(.checkpointCommitted(reference)))
            broadcast(.checkpointCommitted(reference), to: nil, into: &effects)
        case .farewell:
            if case .finishing(let reason) = state, members.isEmpty {
                end(reason, into: &effects)
            }
        }
    }

    // MARK: The end

    mutating func finishIfComplete(at now: Instant, into effects: inout [Effect]) {
        settleStop(at: now, into: &effects)
        guard state == .training, targetVersion <= committedVersion,
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
        guard lastCheckpoint?.version != version, !plan.isCheckpoint(version) else { return }
        broadcast(.checkpointRequested(version), to: .server, into: &effects)
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
        effects.append(.cancelTimer(.farewell))
        effects.append(.terminate(reason))
    }

    // MARK: Time

    mutating func tick(at now: Instant, into effects: inout [Effect]) {
        setTick(at: now, into: &effects)
        removeSilent(at: now, into: &effects)
        if state == .ended || isLeaving { return }
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
            let late = shards.indices.filter { !shards[$0].isReady }
            return (.ready(late.map { ServerIndex($0) }), limits.loadMilliseconds)
        case .securingStart: return checkpointWait(of: settings.startVersion)
        case .gatheringWorkers:
            let wait = Wait.workers(present: workers, wanted: max(1, settings.hintedWorkerCount))
            return (wait, limits.idleMilliseconds)
        case .training:
            if targetVersion <= committedVersion { return checkpointWait(of: targetVersion) }
            guard workers > 0 else {
                return (.workers(present: 0, wanted: 1), limits.idleMilliseconds)
            }
            return (stepWait(), limits.stepMilliseconds)
        case .opening, .placing, .finishing, .ended: return nil
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
