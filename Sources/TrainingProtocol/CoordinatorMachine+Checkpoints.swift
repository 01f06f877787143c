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
        }
        completeCheckpoints(into: &effects)
    }

    /// The manifest comes last: when every shard is on the disk, no loss can undo the version, and
    /// the ledger tells how it came about.
    mutating func completeCheckpoints(into effects: inout [Effect]) {
        for place in checkpoints.indices {
            #if PLANTED_EARLY_MANIFEST
                let isComplete = true
            #else
                let isComplete = checkpoints[place].missing(of: shards.count).isEmpty
            #endif
            guard checkpoints[place].stage == .collecting, isComplete,
                checkpoints[place].version <= min(durableThrough, recordedThrough)
            else { continue }
            let manifest = ManifestJob(
                version: checkpoints[place].version, numericsClass: numericsClass,
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
        guard !failedCheckpoints.contains(version), version > lastCheckpoint?.version ?? .initial
        else { return }
        checkpoints.removeAll { $0.version == version }
        failedCheckpoints.append(version)
        alarm("checkpoint \(version): \(explanation)")
        effects.append(.report(.checkpointFailed(version, explanation: explanation)))
        let isNeeded =
            version == targetVersion || version == startVersion
            || failedCheckpoints.count >= limits.checkpointFailuresInRow
        guard isNeeded, !isLeaving else { return }
        fail(
            .checkpointFailed(version, explanation), "checkpoint \(version): \(explanation)",
            into: &effects)
    }

    /// A promoted backup that is past a version never writes it: that checkpoint will not be.
    mutating func abandonCheckpoints(at now: Instant) {
        for collection in checkpoints where collection.stage == .collecting {
            let isHopeless = collection.missing(of: shards.count).contains { shard in
                shards[shard.index].progress.map { collection.version < $0.version } ?? false
            }
            let isOld =
                now.milliseconds(since: collection.startedAt) > limits.checkpointMilliseconds
            guard isHopeless && isOld else { continue }
            checkpoints.removeAll { $0.version == collection.version }
        }
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
        case .checkpointFound(let reference):
            if finding == job { goBack(to: reference, at: now, into: &effects) }
        case .recorded:
            guard let recording, recording.job == job else { return }
            recordedThrough = recording.through
            self.recording = nil
        case .ledgerCut:
            guard let cutting, cutting.job == job else { return }
            restart(from: cutting.target, at: now, into: &effects)
        case .failed(let failure):
            if let failed = checkpoints.first(where: { $0.stage == .writing(job) }) {
                failCheckpoint(failed.version, failure.explanation, at: now, into: &effects)
            } else {
                fail(.jobFailed(failure), failure.explanation, into: &effects)
            }
        case .prepared, .computed, .loaded, .inspected, .committed, .written, .collected:
            preconditionFailure("a coordinator never starts the job that ended with \(outcome)")
        }
    }

    private mutating func continueAfterJournal(
        _ next: AfterJournal, at now: Instant, into effects: inout [Effect]
    ) {
        switch next {
        case .begin: if state == .opening { begin(at: now, into: &effects) }
        case .place: if state == .placing { welcomeServers(at: now, into: &effects) }
        case .welcomeWorkers:
            isNumericsClassJournaled = true
            welcomeWorkers(into: &effects)
        case .publish(let reference): publish(reference, into: &effects)
        case .change(let next): change(to: next, at: now, into: &effects)
        case .synchronise(let shards): finishSynchronising(shards, into: &effects)
        case .goBack(let target): if state == .goingBack { cutLedger(target, into: &effects) }
        case .scale(let count, let asker):
            workersWanted = count
            effects.append(.report(.workersWanted(count)))
            speaker.send(.status(status(at: now)), to: asker, into: &effects)
        case .farewell:
            if case .finishing(let reason) = state, members.isEmpty {
                end(reason, into: &effects)
            }
        }
    }

    private mutating func publish(
        _ reference: CheckpointReference, into effects: inout [Effect]
    ) {
        checkpoints.removeAll { $0.version <= reference.version }
        failedCheckpoints = []
        lastCheckpoint = reference
        effects.append(.report(.checkpointCommitted(reference)))
        broadcast(.checkpointCommitted(reference), to: nil, into: &effects)
    }
}
