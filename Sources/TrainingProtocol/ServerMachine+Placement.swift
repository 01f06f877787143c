extension ServerMachine {
    // MARK: Welcomes

    mutating func enter(
        _ welcome: Welcome, _ header: Header, at now: Instant, into effects: inout [Effect]
    ) {
        if membership != nil {
            return meetAgain(welcome, header, at: now, into: &effects)
        }
        guard welcome.server != nil, welcome.source != nil else {
            return fail(
                .runFailed("the coordinator's welcome names no place for this server"),
                "welcome without a place", into: &effects)
        }
        join(welcome, header, at: now, into: &effects)
    }

    private mutating func join(
        _ welcome: Welcome, _ header: Header, at now: Instant, into effects: inout [Effect]
    ) {
        guard let server = welcome.server, let source = welcome.source else { return }
        speaker.run = header.run
        speaker.coordinatorTerm = header.coordinatorTerm
        state = .member(
            Membership(
                server: server, plan: welcome.plan, policy: welcome.numericsPolicy,
                configuration: welcome.configuration, placement: welcome.placement,
                source: source, startVersion: welcome.startVersion))
        followPrimaries(into: &effects)
        load(at: now, into: &effects)
    }

    /// A welcome of a coordinator that was started again.
    private mutating func meetAgain(
        _ welcome: Welcome, _ header: Header, at now: Instant, into effects: inout [Effect]
    ) {
        guard speaker.coordinatorTerm < header.coordinatorTerm else { return }
        guard welcome.server == membership?.server else {
            // This coordinator never learned of the place that an earlier one gave.
            forgetShards(into: &effects)
            return join(welcome, header, at: now, into: &effects)
        }
        speaker.coordinatorTerm = header.coordinatorTerm
        if case .checkpoint(let target) = welcome.source {
            // The run went back while this server could not hear of it.
            let rollBack = RollBack(target: target, placement: welcome.placement)
            return goBack(rollBack, at: now, into: &effects)
        }
        adopt(welcome.placement, at: now, into: &effects)
        guard isServing else { return }
        for place in shards.indices where shards[place].isPrimary {
            repeatReports(shard: place, sentBefore: 0, at: now, &effects)
            reportProgress(shards[place], into: &effects)
        }
        for place in writing.indices {
            guard let report = writing[place].report else { continue }
            writing[place].sent = now
            speaker.send(
                report, to: .coordinator, shardTerm: writing[place].term, into: &effects)
        }
    }

    /// Loads the shards that the placement gives this server, all from one source.
    private mutating func load(at now: Instant, into effects: inout [Effect]) {
        guard let membership else { return }
        startedAt = now
        for shard in membership.placement.shards
        where shard.primary == membership.server || shard.backup == membership.server {
            // A checkpoint is where all copies begin together; later, a backup joins its primary.
            let isLate = membership.placement.origin < membership.placement.revision
            if membership.source == .primary
                || (shard.backup == membership.server && isLate)
            {
                fillFromPrimary(shard, at: now)
                continue
            }
            let job = LoadJob(
                shard: shard.index, chunks: membership.placement.chunks(of: shard.index),
                source: membership.source, startVersion: membership.startVersion,
                configuration: membership.configuration, plan: membership.plan)
            loads.append((speaker.start(.load(job), into: &effects), shard.index))
        }
        if loads.isEmpty { sendReady(at: now, into: &effects) }
    }

    mutating func finishLoad(
        _ job: JobID, _ loaded: LoadedShard, at now: Instant, into effects: inout [Effect]
    ) {
        guard let membership, let place = loads.firstIndex(where: { $0.job == job }) else {
            return
        }
        let index = loads.remove(at: place).shard
        let placed = membership.placement[index]
        let isPrimary = placed.primary == membership.server
        insert(
            ShardState(
                index: index, term: placed.term,
                chunks: membership.placement.chunks(of: index),
                part: isPrimary ? .primary(nil) : .backup(Following(primary: placed.primary)),
                loaded: loaded, version: membership.startVersion, plan: membership.plan))
        guard loads.isEmpty else { return }
        sendReady(at: now, into: &effects)
        // The placement may have moved on while this server loaded.
        settle(at: now, into: &effects)
        guard membership.source == .initialValues,
            membership.plan.isCheckpoint(membership.startVersion)
        else { return }
        for place in shards.indices where shards[place].isPrimary {
            snapshot(shard: place, at: now, into: &effects)
        }
    }

    mutating func insert(_ shard: ShardState) {
        shards.removeAll { $0.index == shard.index }
        let place = shards.firstIndex { shard.index < $0.index } ?? shards.count
        shards.insert(shard, at: place)
    }

    // MARK: Changes

    mutating func adopt(
        _ placement: Placement, at now: Instant, into effects: inout [Effect]
    ) {
        guard var membership, membership.placement.revision < placement.revision,
            placement.origin <= membership.placement.revision
        else { return }
        // One that joins late is in no placement until the coordinator has journaled it.
        let wasHere = membership.placement.server(membership.server) != nil
        let isHere =
            placement.server(membership.server)?.incarnation == speaker.identity.incarnation
        guard isHere || !wasHere else {
            let explanation = "server \(membership.server) was declared lost; start it again"
            return end(
                .refused(Refusal(code: .declaredLost, explanation: explanation)), into: &effects)
        }
        membership.placement = placement
        state = .member(membership)
        followPrimaries(into: &effects)
        if isServing { settle(at: now, into: &effects) }
    }

    /// Makes each shard's part that which the placement says.
    private mutating func settle(at now: Instant, into effects: inout [Effect]) {
        guard let membership else { return }
        for placed in membership.placement.shards {
            if placed.primary == membership.server {
                lead(placed, at: now, into: &effects)
            } else if placed.backup == membership.server {
                back(placed, at: now, into: &effects)
            } else {
                drop(placed.index, into: &effects)
            }
            if case .ended = state { return }
        }
    }

    private mutating func lead(
        _ placed: Placement.Shard, at now: Instant, into effects: inout [Effect]
    ) {
        guard let place = shards.firstIndex(where: { $0.index == placed.index }) else {
            // The coordinator promotes only who is in sync; nothing else can end well.
            let explanation = "shard \(placed.index) is to be led by a server that lacks it"
            return fail(.runFailed(explanation), explanation, into: &effects)
        }
        if shards[place].following != nil {
            shards[place].following?.promotion = placed.term
            return promoteIfIdle(shard: place, at: now, into: &effects)
        }
        if shards[place].term != placed.term {
            shards[place].term = placed.term
            shards[place].replication = nil
        }
        follow(placed, shard: place, at: now)
        commitIfComplete(shard: place, into: &effects)
        reportProgress(shards[place], into: &effects)
    }

    /// Notes who backs a shard that this server leads.
    private mutating func follow(_ placed: Placement.Shard, shard place: Int, at now: Instant) {
        guard placed.backup != shards[place].replication?.backup else { return }
        let server = placed.backup.flatMap { membership?.placement.server($0) }
        shards[place].replication = server.map {
            Replication(backup: $0.index, peer: .member($0.incarnation), at: now)
        }
        guard let membership, membership.placement.origin == membership.placement.revision,
            shards[place].version == membership.startVersion
        else { return }
        let hash = shards[place].stateHash
        shards[place].replication?.begin(at: membership.startVersion, stateHash: hash)
    }

    /// A backup becomes the primary between two commits, with whatever had fully arrived.
    mutating func promoteIfIdle(
        shard place: Int, at now: Instant, into effects: inout [Effect]
    ) {
        guard let membership, let term = shards[place].following?.promotion,
            shards[place].commit == nil
        else { return }
        shards[place].term = term
        shards[place].part = .primary(nil)
        follow(membership.placement[shards[place].index], shard: place, at: now)
        effects.append(
            .report(.promoted(shards[place].index, term: term, version: shards[place].version)))
        repeatReports(shard: place, sentBefore: 0, at: now, &effects)
        reportProgress(shards[place], into: &effects)
        snapshotIfDue(shard: place, at: now, into: &effects)
    }

    private mutating func back(
        _ placed: Placement.Shard, at now: Instant, into effects: inout [Effect]
    ) {
        if let place = shards.firstIndex(where: { $0.index == placed.index }) {
            let isSame =
                shards[place].following?.primary == placed.primary
                && shards[place].term == placed.term
            if isSame { return }
            // A copy of another term may hold commits that nobody else has seen.
            drop(placed.index, into: &effects)
        }
        if let filling = fillings.first(where: { $0.shard == placed.index }),
            filling.term == placed.term, filling.primary == placed.primary
        {
            return
        }
        fillFromPrimary(placed, at: now)
        requestFill(placed.index, at: now, into: &effects)
    }

    private mutating func fillFromPrimary(_ placed: Placement.Shard, at now: Instant) {
        fillings.removeAll { $0.shard == placed.index }
        fillings.append(
            Filling(shard: placed.index, term: placed.term, primary: placed.primary, at: now))
    }

    mutating func drop(_ shard: ShardIndex, into effects: inout [Effect]) {
        fillings.removeAll { $0.shard == shard }
        guard let place = shards.firstIndex(where: { $0.index == shard }) else { return }
        shards.remove(at: place)
        inspecting.removeAll { $0.push.shard == shard }
        _ = speaker.start(.drop(shard), into: &effects)
    }

    /// Opens links to the primaries of the shards that this server backs, and closes all others.
    private mutating func followPrimaries(into effects: inout [Effect]) {
        guard let membership else { return }
        let followed = membership.placement.servers.filter { server in
            membership.placement.shards.contains {
                $0.primary == server.index && $0.backup == membership.server
            }
        }
        for link in links where !followed.contains(where: { $0.index == link }) {
            effects.append(.disconnect(.server(link)))
        }
        for server in followed where !links.contains(server.index) {
            effects.append(.connect(.server(server.index), endpoint: server.endpoint))
        }
        links = followed.map(\.index)
    }

    // MARK: Roll-back

    /// Forgets everything and loads the checkpoint; snapshots under way are finished, and nobody is
    /// told.
    mutating func goBack(
        _ rollBack: RollBack, at now: Instant, into effects: inout [Effect]
    ) {
        guard var membership,
            membership.placement.revision < rollBack.placement.revision
        else { return }
        let isHere =
            rollBack.placement.server(membership.server)?.incarnation
            == speaker.identity.incarnation
        let mustGoBack = membership.placement.revision < rollBack.placement.origin
        guard mustGoBack else { return adopt(rollBack.placement, at: now, into: &effects) }
        // One that is not counted on waits for a placement that does.
        guard isHere else { return }
        #if PLANTED_STALE_ROLL_BACK
            membership.placement = rollBack.placement
            state = .member(membership)
            followPrimaries(into: &effects)
            settle(at: now, into: &effects)
            return sendReady(at: now, into: &effects)
        #endif
        forgetShards(into: &effects)
        membership.placement = rollBack.placement
        membership.source = .checkpoint(rollBack.target)
        membership.startVersion = rollBack.target.version
        state = .member(membership)
        followPrimaries(into: &effects)
        load(at: now, into: &effects)
    }

    private mutating func forgetShards(into effects: inout [Effect]) {
        for shard in shards.map(\.index) { drop(shard, into: &effects) }
        fillings = []
        loads = []
        inspecting = []
        abandonedWriting += writing.filter { $0.report == nil }.map(\.job)
        writing = []
    }
}
