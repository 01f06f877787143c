// How a coordinator that was started again finds its run.
extension CoordinatorMachine {
    /// What the first journal entry is followed by.
    mutating func begin(at now: Instant, into effects: inout [Effect]) {
        guard let recovered = settings.recovered else {
            return enter(.gatheringServers, at: now)
        }
        placement = recovered.placement
        firstTerm = recovered.firstTerm
        inSync = recovered.inSync
        nextServer = (recovered.placement?.highestServer?.index ?? -1) + 1
        rollBack = recovered.rollBack
        workersWanted = recovered.workersWanted
        if numericsClass == nil { numericsClass = recovered.numericsClass }
        isNumericsClassJournaled = numericsClass != nil
        lastCheckpoint = recovered.lastCheckpoint ?? lastCheckpoint
        shards = freshShards()
        let isGoingBack = recovered.rollBack?.revision == 0
        if case .alive = settings.predecessors, placement != nil, !isGoingBack {
            enter(.meetingAgain, at: now)
        } else {
            goBack(at: now, into: &effects)
        }
    }

    /// Takes a member that an earlier coordinator had welcomed back to its place.
    mutating func meetAgain(_ place: Int, at now: Instant, into effects: inout [Effect]) {
        guard settings.recovered != nil, let placement else { return }
        let member = members[place]
        guard member.greeting.placementRevision > 0 else { return }
        switch member.role {
        case .server:
            guard
                let server = placement.servers.first(where: {
                    $0.incarnation == member.incarnation
                })
            else { return }
            members[place].server = server.index
            if missedRollBack(of: member) == nil { note(member.greeting.shards) }
        case .worker:
            if missedRollBack(of: member) == nil { adoptLeases(of: members[place], at: now) }
        case .coordinator, .observer: return
        }
        guard isAnswering else { return }
        welcome(place, into: &effects)
    }

    /// The checkpoint that the run went back to since a member last heard of a placement.
    func missedRollBack(of member: Member) -> CheckpointReference? {
        guard let rollBack, member.greeting.placementRevision > 0,
            member.greeting.placementRevision < rollBack.revision
        else { return nil }
        return rollBack.target
    }

    private var isAnswering: Bool {
        switch state {
        case .meetingAgain, .loading, .gatheringWorkers, .training: true
        default: false
        }
    }

    /// All servers of the placement are here, or have had their time.
    mutating func endMeeting(at now: Instant, into effects: inout [Effect]) {
        guard let placement else { return }
        let isComplete = placement.servers.allSatisfy { server in
            members.contains { $0.server == server.index }
        }
        let waited = now.milliseconds(since: enteredAt)
        // Who starts new servers knows that the old ones are gone.
        let newcomers = members.count { $0.role == .server && $0.greeting.placementRevision == 0 }
        let areReplaced =
            newcomers >= settings.serverCount && newcomers == members.count(where: isPlaceable)
            && waited >= limits.leaseGraceMilliseconds
        guard isComplete || areReplaced || waited >= limits.rejoinMilliseconds else { return }
        effects.append(.report(.resumed(settings.coordinatorTerm, at: committedVersion)))
        leasesFrom = now.advanced(milliseconds: limits.leaseGraceMilliseconds)
        enter(.loading, at: now)
        advance(at: now, into: &effects)
    }

    /// A worker that was welcomed before goes on with what it holds.
    func isKnownWorker(_ member: Member) -> Bool {
        member.role == .worker && member.greeting.placementRevision > 0
    }

    /// Leases that an earlier coordinator granted stay with their holders.
    mutating func adoptLeases(of member: Member, at now: Instant) {
        for lease in member.greeting.leases where lease.step.index < plan.stepCount {
            if !book.contains(lease.step), lease.step.index >= durableThrough.index {
                book.open(lease.step)
            }
            book.adopt(lease, of: member.id, at: now)
        }
    }
}
