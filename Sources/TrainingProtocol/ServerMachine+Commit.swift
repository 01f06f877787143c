extension ServerMachine {
    // MARK: Commit

    /// Commits the open step when the roots of all chunks and of the trailer are covered; no other
    /// process is asked.
    mutating func commitIfComplete(shard place: Int, into effects: inout [Effect]) {
        guard isServing, let membership, shards[place].isPrimary, shards[place].commit == nil,
            let open = shards[place].open.first, open.step == shards[place].version.nextStep,
            open.isComplete(slotCount: membership.plan.slotCount),
            isBackupCloseEnough(shards[place]),
            !mustWaitForDisk(shards[place], membership.plan)
        else { return }
        let plan = membership.plan
        let trailer = plan.tree.reduce(
            open.trailers.entries.map { ($0.node, $0.value) }, to: plan.tree.root, +)
        let due = UInt64(plan.slotCount * plan.samplesPerSlot)
        guard trailer.samples == due else {
            let explanation = "\(trailer.samples) samples instead of V·b = \(due)"
            return fail(
                .inconsistent(step: open.step, explanation), explanation, into: &effects)
        }
        let decision: Decision = trailer.finiteness == .finite ? .apply : .skip
        let chunks = zip(open.chunks, open.nodes).map { chunk, nodes in
            CommitJob.ChunkNodes(
                chunk: chunk, nodes: decision == .apply ? payloads(of: nodes, chunk) : [])
        }
        let job = speaker.start(
            .commit(
                CommitJob(
                    shard: shards[place].index, step: open.step, decision: decision,
                    trailer: trailer, chunks: chunks,
                    roots: shards[place].replication?.isStreaming == true ? .wanted : .unused)),
            into: &effects)
        shards[place].commit = ShardState.RunningCommit(
            job: job, step: open.step, decision: decision, trailer: trailer,
            trailerContributions: open.trailers.entries.map(\.contribution),
            contributions: open.nodes.map { nodes in
                decision == .apply ? nodes.entries.map(\.contribution) : []
            })
    }

    /// Whether the next version is to be written while the disk is still busy with earlier ones.
    private func mustWaitForDisk(_ shard: ShardState, _ plan: RunPlan) -> Bool {
        let next = shard.version.nextStep.result
        guard plan.isCheckpoint(next) || shard.requestedCheckpoints.contains(next) else {
            return false
        }
        let underWay = writing.count { $0.shard == shard.index && $0.report == nil }
        return underWay >= limits.snapshotsUnderWay
    }

    private func payloads(
        of nodes: NodeSet<Frame?>, _ chunk: ChunkID
    ) -> [CommitJob.NodePayload] {
        nodes.entries.map { entry in
            guard let payload = entry.value else {
                preconditionFailure("chunk \(chunk): node \(entry.node) has no payload")
            }
            return CommitJob.NodePayload(node: entry.node, payload: payload)
        }
    }

    mutating func progress(
        _ job: JobID, _ progress: JobProgress, into effects: inout [Effect]
    ) {
        guard case .chunk(let chunk) = progress,
            let place = shards.firstIndex(where: { $0.commit?.job == job })
        else { return }
        install(chunk, shard: place, into: &effects)
    }

    private mutating func install(
        _ chunk: CommittedChunk, shard place: Int, into effects: inout [Effect]
    ) {
        guard let version = shards[place].commit?.step.result else { return }
        shards[place].commit?.committed.append(chunk)
        shards[place].install(chunk, at: version)
        answerParked(
            shard: place, where: { $0.chunk == chunk.chunk && $0.version <= version },
            into: &effects)
    }

    mutating func finishCommit(
        _ job: JobID, _ result: CommitResult, at now: Instant, into effects: inout [Effect]
    ) {
        guard let membership, let place = shards.firstIndex(where: { $0.commit?.job == job })
        else { return }
        for chunk in result.chunks { install(chunk, shard: place, into: &effects) }
        guard let commit = shards[place].commit else { return }
        let chunks = shards[place].chunks.filter { membership.plan.isTrained($0, at: commit.step) }
        installUnchanged(commit, chunks, shard: place, into: &effects)
        let version = commit.step.result
        shards[place].commit = nil
        shards[place].version = version
        shards[place].stateHash = result.stateHash
        shards[place].open.removeAll { $0.step <= commit.step }
        shards[place].forgetVersions(before: oldestReadable(version, membership))
        guard shards[place].isPrimary else {
            return finishRepeating(shard: place, result, at: now, into: &effects)
        }
        report(commit, chunks, result, shard: place, at: now, into: &effects)
        snapshotIfDue(shard: place, at: now, into: &effects)
        answerParked(
            shard: place, where: { $0.chunk == nil && $0.version <= version }, into: &effects)
        commitIfComplete(shard: place, into: &effects)
    }

    /// The oldest version that a lease may still read.
    ///
    /// A step is begun when every shard has the version it reads, so shards differ by one version
    /// more than steps lag; a backup that is promoted lacks at most one more.
    private func oldestReadable(_ version: Version, _ membership: Membership) -> Version {
        #if PLANTED_VERSIONS_DROPPED_EARLY
            let isBacked = false
        #else
            let isBacked = membership.placement.shards.contains { $0.backup != nil }
        #endif
        let skew = membership.plan.lag + (isBacked ? 2 : 1)
        let oldestStep = Step(version.index < skew ? 0 : version.index - skew)
        return membership.plan.readVersion(of: oldestStep)
    }

    /// A skipped step gives its chunks the next version's number and changes nothing else.
    private mutating func installUnchanged(
        _ commit: ShardState.RunningCommit, _ chunks: [ChunkID], shard place: Int,
        into effects: inout [Effect]
    ) {
        let done = shards[place].commit?.committed.map(\.chunk) ?? []
        for chunk in chunks where !done.contains(chunk) {
            precondition(
                commit.decision == .skip,
                "commit of step \(commit.step) brought no chunk \(chunk)")
            let kept = shards[place].newest(chunk)
            install(
                CommittedChunk(chunk: chunk, payload: kept.payload, hash: kept.hash),
                shard: place, into: &effects)
        }
    }

    private mutating func report(
        _ commit: ShardState.RunningCommit, _ chunks: [ChunkID], _ result: CommitResult,
        shard place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        let shard = shards[place]
        let entries = zip(chunks, commit.contributions).map { chunk, contributions in
            StepCommitted.ChunkEntry(
                chunk: chunk, hash: shard.newest(chunk).hash, contributions: contributions)
        }
        let committed = StepCommitted(
            shard: shard.index, step: commit.step, decision: commit.decision,
            trailer: commit.trailer, trailerContributions: commit.trailerContributions,
            chunks: entries, stateHash: result.stateHash, learningRate: result.learningRate,
            durableThrough: shard.durableThrough)
        shards[place].reports.append(.init(commit: committed, sent: now))
        readySentAt = nil
        speaker.send(
            .stepCommitted(committed), to: .coordinator, shardTerm: shard.term, into: &effects)
        replicate(committed, result.roots, shard: place, at: now, into: &effects)
    }

    // MARK: Checkpoints

    /// Snapshots at once after the commit, so that every shard does it at the same step.
    mutating func snapshotIfDue(
        shard place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        guard let membership else { return }
        let version = shards[place].version
        let isRequested = shards[place].requestedCheckpoints.contains(version)
        shards[place].requestedCheckpoints.removeAll { $0 <= version }
        if isRequested || membership.plan.isCheckpoint(version) {
            snapshot(shard: place, at: now, into: &effects)
        }
    }

    mutating func snapshot(
        shard place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        guard let membership else { preconditionFailure("a snapshot while \(state)") }
        let shard = shards[place]
        let job = speaker.start(
            .snapshot(
                SnapshotJob(
                    shard: shard.index, shardCount: membership.placement.shards.count,
                    term: shard.term, version: shard.version,
                    earlier: shard.earlier(plan: membership.plan))),
            into: &effects)
        writing.append(
            Writing(
                job: job, shard: shard.index, term: shard.term, version: shard.version, sent: now))
    }

    mutating func requestCheckpoint(
        _ version: Version, at now: Instant, into effects: inout [Effect]
    ) {
        guard isServing else { return }
        for place in shards.indices where shards[place].isPrimary {
            let shard = shards[place]
            if writing.contains(where: { $0.shard == shard.index && $0.version == version }) {
                continue
            }
            if shard.version == version, shard.commit == nil {
                snapshot(shard: place, at: now, into: &effects)
            } else if shard.version < version {
                guard !shard.requestedCheckpoints.contains(version) else { continue }
                shards[place].requestedCheckpoints.append(version)
            } else {
                let explanation =
                    "shard \(shard.index) is at version \(shard.version), past \(version)"
                let failure = ShardNotWritten(
                    shard: shard.index, version: version, explanation: explanation)
                speaker.send(
                    .shardNotWritten(failure), to: .coordinator, shardTerm: shard.term,
                    into: &effects)
            }
        }
    }

    // MARK: Jobs

    mutating func finish(
        _ job: JobID, _ outcome: JobOutcome, at now: Instant, into effects: inout [Effect]
    ) {
        switch outcome {
        case .loaded(let loaded):
            finishLoad(job, loaded, at: now, into: &effects)
            finishInstalling(job, loaded, at: now, into: &effects)
        case .collected(let parts): finishCollecting(job, parts, at: now, into: &effects)
        case .inspected(let inspection):
            finishInspection(job, inspection, at: now, into: &effects)
        case .committed(let result): finishCommit(job, result, at: now, into: &effects)
        case .written(let files, let description):
            finishWriting(job, at: now, into: &effects) {
                .shardWritten(
                    ShardWritten(
                        shard: $0.shard, version: $0.version, files: files,
                        description: description))
            }
        case .failed(let failure): failJob(job, failure, at: now, into: &effects)
        case .prepared, .computed, .journaled, .manifestWritten, .checkpointFound,
            .recorded, .ledgerCut:
            preconditionFailure("a server never starts the job that ended with \(outcome)")
        }
    }

    private mutating func failJob(
        _ job: JobID, _ failure: JobFailure, at now: Instant, into effects: inout [Effect]
    ) {
        if abandonedWriting.contains(job) {
            abandonedWriting.removeAll { $0 == job }
        } else if writing.contains(where: { $0.job == job }) {
            finishWriting(job, at: now, into: &effects) {
                .shardNotWritten(
                    ShardNotWritten(
                        shard: $0.shard, version: $0.version, explanation: failure.explanation))
            }
        } else if fillings.contains(where: { $0.installing == job }) {
            restartFilling(job, at: now, into: &effects)
        } else {
            fail(.jobFailed(failure), failure.explanation, into: &effects)
        }
    }

    private mutating func finishWriting(
        _ job: JobID, at now: Instant, into effects: inout [Effect],
        _ report: (Writing) -> MessageBody
    ) {
        guard let place = writing.firstIndex(where: { $0.job == job }) else {
            return abandonedWriting.removeAll { $0 == job }
        }
        let body = report(writing[place])
        writing[place].report = body
        writing[place].sent = now
        speaker.send(
            body, to: .coordinator, shardTerm: writing[place].term, into: &effects)
        let index = writing[place].shard
        if let shard = shards.firstIndex(where: { $0.index == index }) {
            commitIfComplete(shard: shard, into: &effects)
        }
    }
}
