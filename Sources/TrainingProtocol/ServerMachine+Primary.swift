// How a primary keeps its shard's backup: it fills a new one, and streams it every commit.
extension ServerMachine {
    // MARK: Filling

    /// Answers a backup that has nothing yet, or part of it.
    mutating func fill(
        _ request: FillRequested, _ header: Header, to peer: Peer, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let place = replicatedShard(request.shard, header, peer) else { return }
        shards[place].replication?.heardAt = now
        guard let replication = shards[place].replication else { return }
        // A backup that was in sync and asks again has lost its copy, and must not be promoted.
        guard replication.stage == .filling else { return giveUp(shard: place, into: &effects) }
        guard let source = replication.source else {
            return beginSource(shard: place, into: &effects)
        }
        guard source.collecting == nil else { return }
        let parts = source.parts
        // It was to load a checkpoint and could not.
        if parts.isEmpty { return beginSource(shard: place, into: &effects) }
        guard Int(request.nextPart) < parts.count else { return }
        let part = parts[Int(request.nextPart)]
        let fill = Fill(
            shard: request.shard, version: source.version, part: request.nextPart,
            partCount: UInt32(parts.count), chunk: part.chunk, section: part.section,
            digest: part.digest, payload: part.payload)
        speaker.send(.fill(fill), to: peer, shardTerm: shards[place].term, into: &effects)
    }

    /// The shard that a backup writes about, if it is one that this server leads and that backs it.
    private func replicatedShard(
        _ shard: ShardIndex, _ header: Header, _ peer: Peer
    ) -> Int? {
        guard let place = shards.firstIndex(where: { $0.index == shard }),
            let replication = shards[place].replication, replication.peer == peer,
            header.shardTerm == shards[place].term, header.role == .server
        else { return nil }
        return place
    }

    /// Takes the state that the backup is filled with, between two commits.
    private mutating func beginSource(shard place: Int, into effects: inout [Effect]) {
        guard let membership, shards[place].commit == nil else { return }
        let shard = shards[place]
        let job = speaker.start(
            .collect(
                CollectJob(
                    shard: shard.index, version: shard.version,
                    earlier: shard.earlier(plan: membership.plan))), into: &effects)
        shards[place].replication?.queue = []
        shards[place].replication?.acknowledged = nil
        shards[place].replication?.filledAt = nil
        shards[place].replication?.source = Replication.Source(
            version: shard.version, stateHash: shard.stateHash, collecting: job)
    }

    mutating func finishCollecting(
        _ job: JobID, _ parts: [StatePart], at now: Instant, into effects: inout [Effect]
    ) {
        guard
            let place = shards.firstIndex(where: {
                $0.replication?.source?.collecting == job
            })
        else { return }
        shards[place].replication?.source?.collecting = nil
        shards[place].replication?.source?.parts = parts
        guard let peer = shards[place].replication?.peer, let part = parts.first,
            let version = shards[place].replication?.source?.version
        else { return }
        let fill = Fill(
            shard: shards[place].index, version: version, part: 0, partCount: UInt32(parts.count),
            chunk: part.chunk, section: part.section, digest: part.digest, payload: part.payload)
        speaker.send(.fill(fill), to: peer, shardTerm: shards[place].term, into: &effects)
    }

    // MARK: Streaming

    /// Sends a committed step to the backup as soon as the backup has the state before it.
    mutating func replicate(
        _ commit: StepCommitted, _ roots: [ChunkRoot], shard place: Int, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let replication = shards[place].replication, replication.isStreaming else { return }
        let replica = Replication.Replica(commit: commit, roots: roots)
        shards[place].replication?.queue.append(replica)
        guard replication.acknowledged != nil else { return }
        shards[place].replication?.sentAt = now
        send(replica, shard: place, to: replication.peer, into: &effects)
    }

    private func send(
        _ replica: Replication.Replica, shard place: Int, to peer: Peer,
        into effects: inout [Effect]
    ) {
        let shard = shards[place]
        for root in replica.roots {
            let replicated = RootReplicated(
                shard: shard.index, step: replica.commit.step, chunk: root.chunk,
                digest: root.digest, payload: root.payload)
            speaker.send(
                .rootReplicated(replicated), to: peer, shardTerm: shard.term, into: &effects)
        }
        let decision = DecisionReplicated(commit: replica.commit)
        speaker.send(
            .decisionReplicated(decision), to: peer, shardTerm: shard.term, into: &effects)
    }

    /// A backup says what it holds; the hashes of the two copies must agree.
    mutating func note(
        _ acknowledged: ReplicaAcknowledged, _ header: Header, from peer: Peer, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let place = replicatedShard(acknowledged.shard, header, peer) else { return }
        shards[place].replication?.heardAt = now
        let known = shards[place].replication?.acknowledged
        if let known, acknowledged.version <= known { return }
        guard let hash = stateHash(of: acknowledged, shard: place) else {
            return giveUp(shard: place, into: &effects)
        }
        guard hash == acknowledged.stateHash else {
            return disagree(acknowledged, shard: place, into: &effects)
        }
        shards[place].replication?.acknowledge(acknowledged.version)
        if known == nil { sendQueue(shard: place, at: now, into: &effects) }
        synchronise(shard: place, into: &effects)
        commitIfComplete(shard: place, into: &effects)
    }

    private func stateHash(of acknowledged: ReplicaAcknowledged, shard place: Int) -> Digest? {
        let shard = shards[place]
        if let known = shard.replication?.stateHash(at: acknowledged.version) { return known }
        return acknowledged.version == shard.version ? shard.stateHash : nil
    }

    /// Neither copy can be believed by itself; the backup's is thrown away and filled anew, and the
    /// alarm tells that one of the two machines computes wrongly.
    private mutating func disagree(
        _ acknowledged: ReplicaAcknowledged, shard place: Int, into effects: inout [Effect]
    ) {
        let shard = shards[place]
        guard let backup = shard.replication?.backup else { return }
        effects.append(
            .report(
                .copiesDisagree(shard.index, backup: backup, version: acknowledged.version)))
        giveUp(shard: place, into: &effects)
    }

    /// Tells the coordinator that this backup is none; until it has journaled so, a primary in sync
    /// waits.
    private mutating func giveUp(shard place: Int, into effects: inout [Effect]) {
        guard let backup = shards[place].replication?.backup else { return }
        if shards[place].replication?.stage == .filling {
            shards[place].replication?.queue = []
            shards[place].replication?.source = nil
            shards[place].replication?.acknowledged = nil
            shards[place].replication?.filledAt = nil
        }
        let lost = BackupLost(
            shard: shards[place].index, backup: backup, version: shards[place].version)
        speaker.send(
            .backupLost(lost), to: .coordinator, shardTerm: shards[place].term, into: &effects)
    }

    private mutating func sendQueue(
        shard place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        guard let replication = shards[place].replication else { return }
        shards[place].replication?.sentAt = now
        for replica in replication.queue {
            send(replica, shard: place, to: replication.peer, into: &effects)
        }
    }

    /// From the moment the backup has everything, nothing is durable without it.
    ///
    /// The reports of the steps before it was filled are among that: the coordinator must have them, and
    /// no such step may be computed again, for the backup lacks what it reads.
    mutating func synchronise(shard place: Int, into effects: inout [Effect]) {
        guard let replication = shards[place].replication, replication.stage == .filling,
            replication.queue.isEmpty, replication.acknowledged == shards[place].version,
            shards[place].commit == nil, let filledAt = replication.filledAt,
            shards[place].reports.allSatisfy({ filledAt.index <= $0.commit.step.index })
        else { return }
        shards[place].replication?.stage = .synchronous
        reportProgress(shards[place], into: &effects)
    }

    /// Whether the shard may commit now: a primary is at most one step ahead of its backup, waits
    /// for one that has all but caught up, and keeps only so many steps for one that is filled.
    func isBackupCloseEnough(_ shard: ShardState) -> Bool {
        guard let replication = shard.replication else { return true }
        switch (replication.stage, replication.acknowledged) {
        case (.synchronous, let acknowledged?):
            #if PLANTED_FAR_AHEAD_OF_THE_BACKUP
                return true
            #else
                return shard.version <= acknowledged
            #endif
        case (.filling, .some) where replication.queue.count <= 2: return replication.queue.isEmpty
        default: return replication.queue.count < limits.replicasQueued
        }
    }

    // MARK: Time

    mutating func keepReplicating(at now: Instant, into effects: inout [Effect]) {
        for place in shards.indices {
            guard let replication = shards[place].replication else { continue }
            let isSilent =
                now.milliseconds(since: replication.heardAt) > limits.silenceMilliseconds
            // One that asks and asks, and cannot be filled, must not hold up the run.
            let isStuck =
                replication.stage == .filling && replication.acknowledged == nil
                && replication.queue.count >= limits.replicasQueued
                && now.milliseconds(since: replication.startedAt) > limits.fillMilliseconds
            if isSilent || isStuck {
                giveUp(shard: place, into: &effects)
                continue
            }
            guard replication.acknowledged != nil, !replication.queue.isEmpty,
                now.milliseconds(since: replication.sentAt) >= limits.retryMilliseconds
            else { continue }
            sendQueue(shard: place, at: now, into: &effects)
        }
    }
}
