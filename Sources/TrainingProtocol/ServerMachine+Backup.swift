// How a backup follows its shard's primary.
extension ServerMachine {
    mutating func receive(
        _ message: Message, fromPrimary server: ServerIndex, at now: Instant,
        into effects: inout [Effect]
    ) {
        switch message.body {
        case .fill(let fill): take(fill, message.header, server, at: now, into: &effects)
        case .rootReplicated(let replicated):
            take(replicated, message.header, server, at: now, into: &effects)
        case .decisionReplicated(let replicated):
            take(replicated.commit, message.header, server, at: now, into: &effects)
        case .heartbeat, .goodbye: break
        case .refusal(let refusal): effects.append(.report(.refused(message.header.role, refusal)))
        default: speaker.ignore(message, from: .server(server), .notExpected, into: &effects)
        }
    }

    // MARK: Filling

    mutating func requestFill(
        _ shard: ShardIndex, at now: Instant, into effects: inout [Effect]
    ) {
        guard let place = fillings.firstIndex(where: { $0.shard == shard }) else { return }
        fillings[place].requestedAt = now
        let filling = fillings[place]
        let request = FillRequested(shard: shard, nextPart: UInt32(filling.parts.count))
        speaker.send(
            .fillRequested(request), to: .server(filling.primary), shardTerm: filling.term,
            into: &effects)
    }

    private mutating func take(
        _ fill: Fill, _ header: Header, _ server: ServerIndex, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let membership,
            let place = fillings.firstIndex(where: { $0.shard == fill.shard }),
            fillings[place].primary == server, fillings[place].term == header.shardTerm,
            fillings[place].installing == nil, fillings[place].take(fill)
        else { return }
        guard fillings[place].isComplete, let version = fillings[place].version else {
            return requestFill(fill.shard, at: now, into: &effects)
        }
        let job = InstallJob(
            shard: fill.shard, chunks: membership.placement.chunks(of: fill.shard),
            version: version, parts: fillings[place].parts,
            configuration: membership.configuration, plan: membership.plan)
        fillings[place].installing = speaker.start(.install(job), into: &effects)
    }

    mutating func finishInstalling(
        _ job: JobID, _ loaded: LoadedShard, at now: Instant, into effects: inout [Effect]
    ) {
        guard let membership, let place = fillings.firstIndex(where: { $0.installing == job }),
            let version = fillings[place].version
        else { return }
        let filling = fillings.remove(at: place)
        insert(
            ShardState(
                index: filling.shard, term: filling.term,
                chunks: membership.placement.chunks(of: filling.shard),
                part: .backup(Following(primary: filling.primary)), loaded: loaded,
                version: version, plan: membership.plan))
        effects.append(.report(.filled(filling.shard, version: version)))
        acknowledge(filling.shard, into: &effects)
    }

    /// What came was damaged or did not fit: it is asked for again from the start.
    mutating func restartFilling(_ job: JobID, at now: Instant, into effects: inout [Effect]) {
        guard let place = fillings.firstIndex(where: { $0.installing == job }) else { return }
        let old = fillings[place]
        fillings[place] = Filling(
            shard: old.shard, term: old.term, primary: old.primary, at: now)
        requestFill(old.shard, at: now, into: &effects)
    }

    // MARK: Following

    private func followedShard(
        _ shard: ShardIndex, _ header: Header, _ server: ServerIndex
    ) -> Int? {
        guard let place = shards.firstIndex(where: { $0.index == shard }),
            let following = shards[place].following, following.primary == server,
            header.shardTerm == shards[place].term
        else { return nil }
        return place
    }

    private mutating func take(
        _ replicated: RootReplicated, _ header: Header, _ server: ServerIndex, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let membership, let place = followedShard(replicated.shard, header, server),
            shards[place].chunks.contains(replicated.chunk),
            membership.plan.gradientByteCount(of: replicated.chunk) == replicated.payload.byteCount
        else { return }
        let version = shards[place].version
        let capacity = UInt64(limits.replicasQueued)
        let pending = shards[place].following?.place(
            of: replicated.step, version: version, capacity: capacity)
        guard let pending else { return }
        let root = ChunkRoot(
            chunk: replicated.chunk, digest: replicated.digest, payload: replicated.payload)
        shards[place].following?.pending[pending].roots.removeAll { $0.chunk == root.chunk }
        shards[place].following?.pending[pending].roots.append(root)
        repeatCommit(shard: place, into: &effects)
    }

    private mutating func take(
        _ commit: StepCommitted, _ header: Header, _ server: ServerIndex, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let place = followedShard(commit.shard, header, server) else { return }
        let version = shards[place].version
        if commit.step.index < version.index { return acknowledge(commit.shard, into: &effects) }
        let capacity = UInt64(limits.replicasQueued)
        let pending = shards[place].following?.place(
            of: commit.step, version: version, capacity: capacity)
        guard let pending else { return }
        shards[place].following?.pending[pending].commit = commit
        #if PLANTED_EARLY_ACKNOWLEDGEMENT
            let early = ReplicaAcknowledged(
                shard: commit.shard, version: commit.step.result, stateHash: commit.stateHash)
            speaker.send(
                .replicaAcknowledged(early), to: .server(server), shardTerm: shards[place].term,
                into: &effects)
        #endif
        repeatCommit(shard: place, into: &effects)
    }

    /// Runs the primary's next commit here, once all of it has arrived.
    mutating func repeatCommit(shard place: Int, into effects: inout [Effect]) {
        guard let membership, shards[place].commit == nil,
            let pending = shards[place].following?.pending.first,
            pending.step == shards[place].version.nextStep, pending.isComplete,
            let commit = pending.commit, isOfPlan(commit, shards[place], membership.plan)
        else { return }
        shards[place].following?.pending.removeFirst()
        shards[place].following?.repeating = commit
        let root = membership.plan.tree.root
        let chunks = commit.chunks.map { entry in
            let payload = pending.roots.first { $0.chunk == entry.chunk }?.payload
            return CommitJob.ChunkNodes(
                chunk: entry.chunk,
                nodes: commit.decision == .apply
                    ? payload.map { [.init(node: root, payload: $0)] } ?? [] : [])
        }
        let job = speaker.start(
            .commit(
                CommitJob(
                    shard: commit.shard, step: commit.step, decision: commit.decision,
                    trailer: commit.trailer, chunks: chunks, roots: .unused)), into: &effects)
        shards[place].commit = ShardState.RunningCommit(
            job: job, step: commit.step, decision: commit.decision, trailer: commit.trailer,
            trailerContributions: commit.trailerContributions,
            contributions: commit.chunks.map(\.contributions))
    }

    /// A primary that names other chunks than the plan's is not believed.
    private func isOfPlan(_ commit: StepCommitted, _ shard: ShardState, _ plan: RunPlan) -> Bool {
        guard commit.step.index < plan.stepCount else { return false }
        return commit.chunks.map(\.chunk)
            == shard.chunks.filter { plan.isTrained($0, at: commit.step) }
    }

    /// The end of a commit that repeats the primary's.
    mutating func finishRepeating(
        shard place: Int, _ result: CommitResult, at now: Instant, into effects: inout [Effect]
    ) {
        guard let commit = shards[place].following?.repeating else { return }
        shards[place].following?.repeating = nil
        // Parts of the step that came twice while it was applied.
        let version = shards[place].version
        shards[place].following?.pending.removeAll { $0.step.index < version.index }
        shards[place].reports.append(.init(commit: commit, sent: now))
        let index = shards[place].index
        guard commit.stateHash == result.stateHash else {
            effects.append(
                .report(
                    .copiesDisagree(
                        index, backup: membership?.server ?? ServerIndex(0),
                        version: commit.step.result)))
            return refill(index, at: now, into: &effects)
        }
        acknowledge(index, into: &effects)
        repeatCommit(shard: place, into: &effects)
        promoteIfIdle(shard: place, at: now, into: &effects)
    }

    /// Throws the copy away and asks for another.
    private mutating func refill(
        _ shard: ShardIndex, at now: Instant, into effects: inout [Effect]
    ) {
        guard let place = shards.firstIndex(where: { $0.index == shard }),
            let primary = shards[place].following?.primary
        else { return }
        let term = shards[place].term
        drop(shard, into: &effects)
        fillings.append(Filling(shard: shard, term: term, primary: primary, at: now))
        // The acknowledgement of another state tells the primary.
        requestFill(shard, at: now, into: &effects)
    }

    func acknowledge(_ shard: ShardIndex, into effects: inout [Effect]) {
        guard let state = shards.first(where: { $0.index == shard }),
            let primary = state.following?.primary
        else { return }
        let acknowledged = ReplicaAcknowledged(
            shard: shard, version: state.version, stateHash: state.stateHash)
        speaker.send(
            .replicaAcknowledged(acknowledged), to: .server(primary), shardTerm: state.term,
            into: &effects)
    }

    // MARK: Time

    /// Says again what is held and asks again for what is missing: a primary may have missed it.
    mutating func keepFollowing(at now: Instant, into effects: inout [Effect]) {
        for shard in shards where !shard.isPrimary { acknowledge(shard.index, into: &effects) }
        for filling in fillings
        where filling.installing == nil
            && now.milliseconds(since: filling.requestedAt) >= limits.heartbeatIntervalMilliseconds
        {
            requestFill(filling.shard, at: now, into: &effects)
        }
    }
}
