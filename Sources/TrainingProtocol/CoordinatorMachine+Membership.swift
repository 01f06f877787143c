extension CoordinatorMachine {
    // MARK: Greetings

    mutating func greet(
        _ greeting: Greeting, _ header: Header, from peer: Peer, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard peer == .member(header.incarnation) else { return }
        if let place = members.firstIndex(where: { $0.incarnation == header.incarnation }) {
            members[place].heardAt = now
            members[place].suspectedAt = nil
            // The welcome was lost, or the process knows less than was thought.
            members[place].greeting = greeting
            if greeting.placementRevision > 0 {
                members[place].knownRevision = greeting.placementRevision
            }
            if members[place].stage != .greeted { welcome(place, into: &effects) }
            return
        }
        if let refusal = refusal(of: greeting, header) {
            effects.append(.report(.refused(header.role, refusal)))
            return speaker.send(.refusal(refusal), to: peer, into: &effects)
        }
        lastMember += 1
        let id = MemberID(lastMember)
        members.append(
            Member(
                id: id, incarnation: header.incarnation, role: header.role, greeting: greeting,
                heardAt: now))
        history.append((header.incarnation, id))
        effects.append(
            .report(
                .joined(
                    id, role: header.role, host: greeting.host, processID: greeting.processID)))
        if header.role == .worker { admitNumerics(greeting, into: &effects) }
        meetAgain(members.count - 1, at: now, into: &effects)
    }

    private func refusal(of greeting: Greeting, _ header: Header) -> Refusal? {
        if history.contains(where: { $0.incarnation == header.incarnation }) {
            return Refusal(
                code: .declaredLost,
                explanation: "this process was declared lost; start it again to take part")
        }
        if greeting.build != speaker.identity.build {
            return Refusal(
                code: .build,
                explanation: "the \(header.role) is build \(greeting.build), the coordinator "
                    + "build \(speaker.identity.build); use one build everywhere")
        }
        if let hash = greeting.configurationHash, hash != settings.configurationHash {
            return Refusal(
                code: .configuration,
                explanation: "the \(header.role)'s configuration is \(hash), the run's "
                    + "\(settings.configurationHash)")
        }
        if isLeaving {
            return Refusal(code: .finished, explanation: "run \(settings.run) is ending")
        }
        switch header.role {
        case .server: return refusalOfServer(greeting, header)
        case .worker: return refusalOfWorker(greeting)
        case .coordinator, .observer:
            return Refusal(
                code: .malformed, explanation: "a \(header.role) cannot be a member of a run")
        }
    }

    var isLeaving: Bool {
        switch state {
        case .finishing, .ended: true
        default: false
        }
    }

    private func refusalOfServer(_ greeting: Greeting, _ header: Header) -> Refusal? {
        guard let endpoint = greeting.advertisedEndpoint, !endpoint.isEmpty else {
            return Refusal(code: .malformed, explanation: "the server advertises no endpoint")
        }
        guard members.count(where: { $0.role == .server }) < limits.serverCount else {
            return Refusal(
                code: .noVacancy,
                explanation: "run \(settings.run) has \(limits.serverCount) servers, the most")
        }
        // A server of an earlier coordinator that its placement does not name was replaced.
        let isPlaced = placement?.servers.contains { $0.incarnation == header.incarnation }
        guard greeting.server == nil || isPlaced == true else {
            return Refusal(
                code: .declaredLost,
                explanation: "this server was declared lost; start it again to take part")
        }
        return nil
    }

    private func refusalOfWorker(_ greeting: Greeting) -> Refusal? {
        guard let named = greeting.numericsClass else {
            return Refusal(code: .malformed, explanation: "the worker names no numerics class")
        }
        let engine = settings.numericsEngine
        guard let offered = named.ofEngine(engine) else {
            return Refusal(
                code: .numericsClass,
                explanation: "the worker's numerics class is \(named); the run's engine "
                    + "\(engine?.name ?? "") needs \(engine?.requirement ?? "")")
        }
        guard members.count(where: { $0.role == .worker }) < limits.workerCount else {
            return Refusal(
                code: .noVacancy,
                explanation: "run \(settings.run) has \(limits.workerCount) workers, the most")
        }
        guard let expected = numericsClass, expected != offered else { return nil }
        switch settings.numericsPolicy {
        case .loose: return nil
        case .strict:
            return Refusal(
                code: .numericsClass,
                explanation: "the worker's numerics class is \(offered), the run's \(expected); "
                    + "numerics: loose would admit it and mark the run")
        }
    }

    /// The first worker's class becomes the run's where the configuration names none.
    private mutating func admitNumerics(_ greeting: Greeting, into effects: inout [Effect]) {
        guard let offered = greeting.numericsClass?.ofEngine(settings.numericsEngine) else {
            return
        }
        if let expected = numericsClass {
            if expected != offered {
                effects.append(.report(.looseNumerics(offered, expected: expected)))
            }
        } else {
            numericsClass = offered
            journal(.numericsClass(offered), then: .welcomeWorkers, into: &effects)
        }
    }

    // MARK: Welcomes

    /// Workers are welcomed when every server can answer them.
    mutating func welcomeWorkers(into effects: inout [Effect]) {
        guard isNumericsClassJournaled, !shards.isEmpty, shards.allSatisfy(\.isReady),
            !isLeaving
        else { return }
        for place in members.indices
        where members[place].role == .worker && members[place].stage == .greeted {
            welcome(place, into: &effects)
        }
    }

    /// A server that joins a run under way begins with nothing; its shards come from primaries.
    mutating func welcomeLateServers(into effects: inout [Effect]) {
        for place in members.indices
        where members[place].role == .server && members[place].stage == .greeted {
            members[place].server = newServer()
            welcome(place, into: &effects)
        }
    }

    mutating func welcome(_ place: Int, into effects: inout [Effect]) {
        guard let placement else { return }
        let member = members[place]
        if member.stage == .greeted {
            members[place].stage = .welcomed
            members[place].knownRevision = placement.revision
        }
        let welcome = Welcome(
            member: member.id, server: member.server, configuration: settings.configuration,
            configurationHash: settings.configurationHash, plan: plan, placement: placement,
            source: loadSource(of: member, placement), startVersion: startVersion,
            numericsClass: numericsClass, numericsPolicy: settings.numericsPolicy)
        speaker.send(.welcome(welcome), to: member.peer, into: &effects)
    }

    /// What a welcomed process loads: a checkpoint where its run begins or goes back, nothing where
    /// it goes on, and where it joins late what a primary sends.
    private func loadSource(of member: Member, _ placement: Placement) -> LoadSource? {
        if let target = missedRollBack(of: member) { return .checkpoint(target) }
        guard let server = member.server else { return nil }
        guard member.greeting.placementRevision == 0 else { return .primary }
        // One that leads a shard and never was welcomed has been there from the beginning.
        let leads = placement.shards.contains { $0.primary == server }
        return leads || placement.revision == placement.origin ? source : .primary
    }

    /// What servers hold, as far as they lead it.
    mutating func note(_ statuses: [ShardStatus]) {
        guard let placement else { return }
        for status in statuses
        where placement.shards.indices.contains(status.shard.index) && status.part == .primary
            && placement[status.shard].term == status.term
        {
            let place = status.shard.index
            shards[place].isReady = true
            shards[place].stateHash = status.stateHash
            shards[place].version = max(shards[place].version, status.version)
            shards[place].durableThrough = max(
                shards[place].durableThrough, status.durableThrough)
        }
    }

    // MARK: Losses

    /// A broken link may be mended, but what a worker holds is granted again at once.
    mutating func suspect(_ peer: Peer, at now: Instant, into effects: inout [Effect]) {
        guard let place = members.firstIndex(where: { $0.peer == peer }),
            members[place].suspectedAt == nil
        else { return }
        members[place].suspectedAt = now
        members[place].brokenAt = now
        releaseLeases(of: members[place].id)
        guard members[place].role == .server else { return }
        let deadline = now.advanced(milliseconds: limits.suspicionMilliseconds + 1)
        effects.append(.setTimer(.suspicion, deadline: deadline))
    }

    mutating func removeSilent(at now: Instant, into effects: inout [Effect]) {
        for member in members {
            let silence = now.milliseconds(since: member.heardAt)
            let patience =
                member.role == .server ? limits.suspicionMilliseconds : limits.retryMilliseconds
            if silence > limits.silenceMilliseconds {
                remove(member.id, .silent(milliseconds: silence), at: now, into: &effects)
            } else if let suspected = member.suspectedAt,
                now.milliseconds(since: suspected) > patience
            {
                remove(member.id, .disconnected, at: now, into: &effects)
            }
            if state == .ended { return }
        }
    }

    mutating func remove(
        _ id: MemberID, _ departure: Observation.Departure, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let place = members.firstIndex(where: { $0.id == id }) else { return }
        let member = members.remove(at: place)
        effects.append(.report(.left(id, role: member.role, departure)))
        releaseLeases(of: id)
        pace.forget(id)
        rely(on: id)
        // Who never was welcomed may greet again.
        if member.stage == .greeted { history.removeAll { $0.member == id } }
        if member.role == .worker { workerLeftAt = now }
    }

    private mutating func releaseLeases(of id: MemberID) {
        #if !PLANTED_LEASES_OF_THE_DEAD
            for granted in book.leases(of: id) { withdraw(granted.lease.id) }
        #endif
    }

    @discardableResult
    mutating func withdraw(_ lease: LeaseID) -> LeaseBook.Granted? {
        let shards = shards
        return book.withdraw(lease) { step, node in
            CoordinatorMachine.isCovered(step, node, shards)
        }
    }

    /// Whether every shard is known to have a node's slots.
    static func isCovered(_ step: Step, _ node: SlotRange, _ shards: [Shard]) -> Bool {
        shards.allSatisfy { shard in
            if step.index < shard.version.index { return true }
            guard let progress = shard.progress else { return false }
            let open = progress.openSteps.first { $0.step == step }
            return open.map { !$0.missing.contains { $0.overlaps(node) } } ?? false
        }
    }
}
