// Which server holds what: journaled before it is told, repaired as servers come and go.
extension CoordinatorMachine {
    // MARK: From nothing

    /// Fixes which server serves what when all are loaded from one source.
    mutating func place(at now: Instant, into effects: inout [Effect]) {
        for place in members.indices where isPlaceable(members[place]) {
            if members[place].server == nil { members[place].server = newServer() }
        }
        let servers = members.filter(isPlaceable).compactMap { candidate($0, at: now)?.server }
        #if PLANTED_SHARD_TERM_NOT_RAISED
            let term = ShardTerm(1)
        #else
            let term = ShardTerm((placement?.highestTerm.number ?? 0) + 1)
        #endif
        let fixed = Placement.fresh(
            servers, plan.chunkPlan, term: term,
            revision: (placement?.revision ?? 0) + 1)
        placement = fixed
        firstTerm = term
        if let rollBack, rollBack.revision == 0 {
            self.rollBack = (rollBack.target, fixed.revision)
        }
        inSync = []
        shards = freshShards()
        enter(.placing, at: now)
        journal(.placed(fixed), then: .place, into: &effects)
    }

    /// Servers that a placement from nothing counts on.
    func isPlaceable(_ member: Member) -> Bool {
        member.role == .server && member.stage != .draining && member.suspectedAt == nil
    }

    func freshShards() -> [Shard] {
        (placement?.shards ?? []).map { _ in
            Shard(
                reported: recordedThrough, version: startVersion, durableThrough: startVersion)
        }
    }

    mutating func newServer() -> ServerIndex {
        nextServer += 1
        return ServerIndex(nextServer - 1)
    }

    private func candidate(_ member: Member, at now: Instant) -> Placement.Candidate? {
        guard member.role == .server, let server = member.server,
            let endpoint = member.greeting.advertisedEndpoint
        else { return nil }
        let placed = Placement.Server(
            index: server, incarnation: member.incarnation, endpoint: endpoint)
        if member.stage == .draining, stopRequestedAt == nil {
            return Placement.Candidate(placed, .leaving)
        }
        return Placement.Candidate(placed, isDoubtful(member, at: now) ? .doubtful : .staying)
    }

    private func isDoubtful(_ member: Member, at now: Instant) -> Bool {
        // What was on its way when the link broke may still arrive.
        let isUnsettled =
            member.brokenAt.map {
                now.milliseconds(since: $0) < limits.silenceMilliseconds
            } ?? false
        let silence = now.milliseconds(since: member.heardAt)
        return isUnsettled || silence > 2 * limits.heartbeatIntervalMilliseconds
    }

    /// Tells everybody where the run begins, or begins again.
    mutating func welcomeServers(at now: Instant, into effects: inout [Effect]) {
        enter(.loading, at: now)
        for place in members.indices where members[place].server != nil {
            if members[place].stage == .greeted {
                welcome(place, into: &effects)
            } else {
                tellPlacement(to: members[place], into: &effects)
            }
        }
    }

    /// Tells a member what it does not know of the placement.
    func tellPlacement(to member: Member, into effects: inout [Effect]) {
        guard let placement, member.stage != .greeted,
            member.knownRevision < placement.revision, isPlacementTold(to: member.role)
        else { return }
        if let rollBack, rollBack.revision > 0, member.knownRevision < rollBack.revision {
            let message = RollBack(target: rollBack.target, placement: placement)
            speaker.send(.rollBack(message), to: member.peer, into: &effects)
        } else {
            speaker.send(.placementChanged(placement), to: member.peer, into: &effects)
        }
    }

    /// A placement is told once it is journaled; workers hear of it when every primary can answer
    /// them.
    private func isPlacementTold(to role: Role) -> Bool {
        switch state {
        case .loading: role == .server
        case .securingStart, .gatheringWorkers, .training, .finishing, .meetingAgain:
            role == .server || shards.allSatisfy { $0.progress != nil }
        case .opening, .goingBack, .gatheringServers, .placing, .ended: false
        }
    }

    // MARK: Repair

    /// Makes the placement follow the servers that are here, one journaled change at a time.
    mutating func repair(at now: Instant, into effects: inout [Effect]) {
        guard let placement, !isChanging else { return }
        let candidates = members.filter { $0.stage != .greeted }
            .compactMap { candidate($0, at: now) }
        let unbacked = shards.indices.filter { shards[$0].isUnbacked }.map { ShardIndex($0) }
        switch placement.repaired(candidates, inSync: inSync, unbacked: unbacked) {
        case .unchanged: synchronise(into: &effects)
        case .changed(let next): journal(.placed(next), then: .change(next), into: &effects)
        case .rollBack:
            let lost = placement.shards.filter { shard in
                !candidates.contains { $0.server.index == shard.primary }
            }
            alarm("shards \(lost.map(\.index)) have lost every copy")
            goBack(at: now, into: &effects)
        }
    }

    private var isChanging: Bool {
        journaling.contains {
            switch $0.next {
            case .change, .synchronise, .place, .goBack: true
            default: false
            }
        }
    }

    /// Journals which backups have caught up; only then may they be promoted.
    private mutating func synchronise(into effects: inout [Effect]) {
        guard let placement else { return }
        let synchronous = placement.shards.filter {
            $0.backup != nil && shards[$0.index.index].isSynchronous
        }.map(\.index)
        guard synchronous != inSync else { return }
        journal(.backupsInSync(synchronous), then: .synchronise(synchronous), into: &effects)
    }

    mutating func finishSynchronising(_ shards: [ShardIndex], into effects: inout [Effect]) {
        inSync = shards
        effects.append(.report(.backupsInSync(shards)))
    }

    mutating func change(to next: Placement, at now: Instant, into effects: inout [Effect]) {
        guard let old = placement else { return }
        placement = next
        inSync = next.keptInSync(inSync, since: old)
        for (placed, before) in zip(next.shards, old.shards) where placed != before {
            let place = placed.index.index
            shards[place].isUnbacked = false
            shards[place].isSynchronous = false
            guard placed.term != before.term else { continue }
            shards[place].progress = nil
            if placed.primary != before.primary { lead(placed, into: &effects) }
        }
        effects.append(.report(.placementChanged(next)))
        for member in members { tellPlacement(to: member, into: &effects) }
        releaseLeavers(into: &effects)
    }

    /// A promoted backup has everything that is durable; the rest is computed again, and snapshots
    /// that the old primary owed will not come.
    private mutating func lead(_ placed: Placement.Shard, into effects: inout [Effect]) {
        shards[placed.index.index].version = shards[placed.index.index].durableThrough
    }

    /// Servers that were asked to stop go when no shard needs them.
    func releaseLeavers(into effects: inout [Effect]) {
        guard let placement else { return }
        for member in members where member.role == .server && member.stage == .draining {
            guard let server = member.server, !placement.isPlaced(server) else { continue }
            let finish = Finish(outcome: .stopped, explanation: "its shards moved to others")
            speaker.send(.finish(finish), to: member.peer, into: &effects)
        }
    }

    /// A server was asked to stop: its shards move, or the run stops with a checkpoint.
    mutating func drain(_ place: Int, at now: Instant, into effects: inout [Effect]) {
        guard members[place].stage != .draining else { return }
        let others = members.contains {
            $0.role == .server && $0.id != members[place].id && $0.stage != .draining
        }
        guard others else { return stop(at: now, into: &effects) }
        members[place].stage = .draining
    }

    mutating func note(_ lost: BackupLost) {
        guard placement?[lost.shard].backup == lost.backup else { return }
        shards[lost.shard.index].isUnbacked = true
    }

    // MARK: Roll-back

    /// All shards go back to the newest checkpoint that verifies, on the servers that are there.
    mutating func goBack(at now: Instant, into effects: inout [Effect]) {
        if stopRequestedAt != nil {
            return leave(
                .stopped(lastCheckpoint), .stopped, "stopped without a new checkpoint", at: now,
                into: &effects)
        }
        enter(.goingBack, at: now)
        unrecorded = []
        recording = nil
        checkpoints = []
        failedCheckpoints = []
        finding = speaker.start(.findCheckpoint, into: &effects)
    }

    mutating func goBack(
        to target: CheckpointReference, at now: Instant, into effects: inout [Effect]
    ) {
        finding = nil
        journal(.rollingBack(target), then: .goBack(target), into: &effects)
    }

    mutating func cutLedger(_ target: CheckpointReference, into effects: inout [Effect]) {
        #if PLANTED_LEDGER_NOT_CUT
            let job = speaker.start(.cutLedger(plan.finalVersion), into: &effects)
        #else
            let job = speaker.start(.cutLedger(target.version), into: &effects)
        #endif
        cutting = (job, target)
    }

    mutating func restart(
        from target: CheckpointReference, at now: Instant, into effects: inout [Effect]
    ) {
        cutting = nil
        source = .checkpoint(target)
        startVersion = target.version
        recordedThrough = min(recordedThrough, target.version)
        lastCheckpoint = target
        checkpoints.removeAll()
        // The placement to come has the first revision that knows of this.
        rollBack = (target, 0)
        book.clear()
        claimAttempts = []
        effects.append(.report(.rolledBack(to: target)))
        enter(.gatheringServers, at: now)
    }
}
