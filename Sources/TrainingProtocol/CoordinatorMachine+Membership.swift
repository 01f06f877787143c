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
            // The welcome was lost.
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
        case .server: return refusalOfServer(greeting)
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

    private func refusalOfServer(_ greeting: Greeting) -> Refusal? {
        guard let endpoint = greeting.advertisedEndpoint, !endpoint.isEmpty else {
            return Refusal(code: .malformed, explanation: "the server advertises no endpoint")
        }
        let present = members.count { $0.role == .server }
        guard placement == nil, present < settings.serverCount else {
            return Refusal(
                code: .noVacancy,
                explanation: "run \(settings.run) has its \(settings.serverCount) servers")
        }
        return nil
    }

    private func refusalOfWorker(_ greeting: Greeting) -> Refusal? {
        guard let offered = greeting.numericsClass else {
            return Refusal(code: .malformed, explanation: "the worker names no numerics class")
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
        guard let offered = greeting.numericsClass else { return }
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

    /// Fixes which server serves what, in the order of their greetings.
    mutating func place(at now: Instant, into effects: inout [Effect]) {
        var servers: [Placement.Server] = []
        for place in members.indices where members[place].role == .server {
            let index = ServerIndex(servers.count)
            members[place].server = index
            servers.append(
                Placement.Server(
                    index: index, incarnation: members[place].incarnation,
                    endpoint: members[place].greeting.advertisedEndpoint ?? ""))
        }
        let fixed = Placement(
            servers: servers,
            shards: servers.map {
                Placement.Shard(
                    index: ShardIndex($0.index.index), term: ShardTerm(1), primary: $0.index)
            },
            shardOfChunk: Placement.balanced(plan.chunkPlan, shardCount: servers.count))
        placement = fixed
        shards = fixed.shards.map { _ in
            Shard(version: settings.startVersion, durableThrough: settings.startVersion)
        }
        enter(.placing, at: now)
        journal(.placed(fixed), then: .place, into: &effects)
    }

    mutating func welcomeServers(at now: Instant, into effects: inout [Effect]) {
        for place in members.indices where members[place].role == .server {
            welcome(place, into: &effects)
        }
        enter(.loading, at: now)
    }

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

    private mutating func welcome(_ place: Int, into effects: inout [Effect]) {
        guard let placement else { return }
        let member = members[place]
        if member.stage == .greeted { members[place].stage = .welcomed }
        let welcome = Welcome(
            member: member.id, server: member.server, configuration: settings.configuration,
            configurationHash: settings.configurationHash, plan: plan, placement: placement,
            source: member.server == nil ? nil : settings.source,
            startVersion: settings.startVersion, numericsClass: numericsClass,
            numericsPolicy: settings.numericsPolicy)
        speaker.send(.welcome(welcome), to: member.peer, into: &effects)
    }

    mutating func note(_ ready: ServerReady) {
        for status in ready.shards where shards.indices.contains(status.shard.index) {
            shards[status.shard.index].isReady = true
            shards[status.shard.index].stateHash = status.stateHash
        }
    }

    // MARK: Losses

    /// A broken link may be mended, but what the worker holds is granted again at once.
    mutating func suspect(_ peer: Peer, at now: Instant, into effects: inout [Effect]) {
        guard let place = members.firstIndex(where: { $0.peer == peer }),
            members[place].suspectedAt == nil
        else { return }
        members[place].suspectedAt = now
        releaseLeases(of: members[place].id)
    }

    mutating func removeSilent(at now: Instant, into effects: inout [Effect]) {
        for member in members {
            let silence = now.milliseconds(since: member.heardAt)
            if silence > limits.silenceMilliseconds {
                remove(member.id, .silent(milliseconds: silence), at: now, into: &effects)
            } else if let suspected = member.suspectedAt,
                now.milliseconds(since: suspected) > limits.retryMilliseconds
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
        // Who never was welcomed may greet again.
        if member.stage == .greeted { history.removeAll { $0.member == id } }
        if member.role == .worker { workerLeftAt = now }
        if isLeaving { return }
        guard member.role == .server, let server = member.server else { return }
        fail(
            .serverLost(server, departure), "server \(server) is lost: \(departure)",
            into: &effects)
    }

    private mutating func releaseLeases(of id: MemberID) {
        for granted in book.leases(of: id) { withdraw(granted.lease.id) }
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
            if step.index < progress.version.index { return true }
            let open = progress.openSteps.first { $0.step == step }
            return open.map { !$0.missing.contains { $0.overlaps(node) } } ?? false
        }
    }

    // MARK: Status

    func status(at now: Instant) -> ClusterStatus {
        let members = members.map { member in
            MemberStatus(
                member: member.id, role: member.role, host: member.greeting.host,
                processID: member.greeting.processID, activity: member.heartbeat.activity,
                silenceMilliseconds: now.milliseconds(since: member.heardAt),
                leases: book.leases(of: member.id).map(\.lease), slotMilliseconds: 0)
        }
        let statuses = zip(placement?.shards ?? [], shards).map { place, shard in
            ShardStatus(
                shard: place.index, part: .primary, term: place.term, version: shard.version,
                durableThrough: shard.durableThrough, stateHash: shard.stateHash)
        }
        return ClusterStatus(
            version: committedVersion, finalVersion: plan.finalVersion,
            durableThrough: shards.map(\.durableThrough).min() ?? settings.startVersion,
            stepMilliseconds: stepMilliseconds, members: members, shards: statuses,
            lastCheckpoint: lastCheckpoint, alarms: alarms)
    }
}
