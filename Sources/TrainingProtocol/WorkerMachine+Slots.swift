extension WorkerMachine {
    // MARK: What to do next

    /// Starts the next computation if its parameters are here, asks for them if not, and lets
    /// contributions leave.
    mutating func advance(at now: Instant, into effects: inout [Effect]) {
        switch state {
        case .working(let membership):
            place(membership.plan, into: &effects)
            compute(membership, at: now, into: &effects)
            pull(membership, at: now, into: &effects)
            push(membership, at: now, into: &effects)
        case .draining(let membership):
            push(membership, at: now, into: &effects)
            let isComputing = leases.contains {
                if case .computing = $0.stage { true } else { false }
            }
            guard !isComputing, outbox.unsettledCount == 0 else { return }
            sayGoodbye(.drained, "drained on request", into: &effects)
            end(.drained, into: &effects)
        case .joining, .preparing, .ended: break
        }
    }

    private var isComputing: Bool {
        leases.contains { if case .computing = $0.stage { true } else { false } }
    }

    /// Parameters go to the runner as they arrive, so that copying them goes on beside their transfer,
    /// but not while it computes from those that are there.
    private mutating func place(_ plan: RunPlan, into effects: inout [Effect]) {
        let waiting = leases.first { $0.stage == .waiting }?.lease.step
        guard !isComputing, let step = waiting ?? prefetch, step.index < plan.stepCount else {
            return
        }
        let parameters = cache.place(for: step, plan: plan)
        if !parameters.isEmpty { _ = speaker.start(.place(parameters), into: &effects) }
    }

    private mutating func compute(
        _ membership: Membership, at now: Instant, into effects: inout [Effect]
    ) {
        guard !isComputing else { return }
        guard let place = leases.firstIndex(where: { $0.stage == .waiting }) else {
            return pullWait.end(at: now)
        }
        guard cache.isReady(for: leases[place].lease.step, plan: membership.plan) else {
            return pullWait.begin(at: now)
        }
        pullWait.end(at: now)
        let lease = leases[place].lease
        let plan = membership.plan
        cache.forget(before: lease.step, plan: plan)
        let job = ComputeJob(
            step: lease.step, node: lease.node, attempt: lease.attempt,
            trainedChunks: plan.chunksTrained(at: lease.step))
        leases[place].stage = .computing(speaker.start(.compute(job), into: &effects))
        finishedSlots = 0
        prefetch = nil
        advancedAt = now
    }

    private mutating func pull(
        _ membership: Membership, at now: Instant, into effects: inout [Effect]
    ) {
        // In synchronous mode the next version is made from what is being computed.
        guard !isComputing || membership.plan.lag > 0 else { return }
        let waiting = leases.first {
            $0.stage == .waiting && !cache.isReady(for: $0.lease.step, plan: membership.plan)
        }?.lease.step
        guard let step = waiting ?? prefetch, step.index < membership.plan.stepCount else {
            return
        }
        cache.abandonPulls(exceptFor: step, plan: membership.plan)
        let pulls = cache.missingPulls(
            for: step, plan: membership.plan, placement: membership.placement)
        for pull in pulls {
            let server = membership.placement.primary(of: pull.shard)
            let byteCount = pull.chunk.map { membership.plan.chunkPlan[$0].byteCount } ?? 0
            let inFlight = cache.byteCountInFlight(to: server)
            guard inFlight == 0 || inFlight + byteCount <= limits.pullByteCountInFlight else {
                continue
            }
            cache.begin(.init(server: server, pull: pull, byteCount: byteCount, sent: now))
            send(pull, to: server, into: &effects)
        }
    }

    func send(_ pull: Pull, to server: ServerIndex, into effects: inout [Effect]) {
        let term = membership?.placement[pull.shard].term ?? ShardTerm(0)
        speaker.send(.pull(pull), to: .server(server), shardTerm: term, into: &effects)
    }

    private mutating func push(
        _ membership: Membership, at now: Instant, into effects: inout [Effect]
    ) {
        let items = outbox.take(
            byteCountInFlight: limits.pushByteCountInFlight, placement: membership.placement,
            at: now)
        for item in items {
            let shard = membership.placement[item.shard]
            speaker.send(
                item.body, to: .server(shard.primary), shardTerm: shard.term, into: &effects)
        }
    }

    // MARK: Jobs

    mutating func progress(
        _ job: JobID, _ progress: JobProgress, into effects: inout [Effect]
    ) {
        guard let place = leases.firstIndex(where: { $0.stage == .computing(job) }) else { return }
        switch progress {
        case .gradient(let gradient): enqueue(gradient, of: leases[place].lease)
        case .slots(let count): finishedSlots = count
        case .chunk: preconditionFailure("a worker starts no commit")
        }
    }

    mutating func finish(
        _ job: JobID, _ outcome: JobOutcome, at now: Instant, into effects: inout [Effect]
    ) {
        switch outcome {
        case .prepared:
            guard case .preparing(let membership) = state else { return }
            state = .working(membership)
            advancedAt = now
            beat(into: &effects)
        case .computed(let computation): finishCompute(job, computation, at: now)
        case .failed(let failure): failJob(job, failure, into: &effects)
        case .loaded, .inspected, .committed, .written, .collected, .journaled, .manifestWritten,
            .checkpointFound, .recorded, .ledgerCut:
            preconditionFailure("a worker never starts the job that ended with \(outcome)")
        }
    }

    private mutating func finishCompute(
        _ job: JobID, _ computation: Computation, at now: Instant
    ) {
        guard let membership,
            let place = leases.firstIndex(where: { $0.stage == .computing(job) })
        else { return }
        let lease = leases[place].lease
        leases[place].stage = .computed
        leases[place].finiteness = computation.trailer.finiteness
        inputWaitPermille = (3 * inputWaitPermille + computation.inputWaitPermille) / 4
        pullWait.finishJob(at: now)
        advancedAt = now
        switch computation.trailer.finiteness {
        case .finite:
            for gradient in computation.gradients { enqueue(gradient, of: lease) }
        case .nonFinite: outbox.discardPushes(of: lease.id)
        }
        for shard in membership.placement.shards {
            let report = TrailerReport(
                shard: shard.index, step: lease.step,
                readVersion: membership.plan.readVersion(of: lease.step),
                node: lease.node, attempt: lease.attempt, trailer: computation.trailer)
            outbox.add(.init(lease: lease.id, content: .trailer(report)))
        }
        let isLast = !leases.contains { $0.stage == .waiting && $0.lease.step == lease.step }
        if isLast { prefetch = lease.step.next }
        releaseDurable()
    }

    private mutating func enqueue(_ gradient: ChunkGradient, of lease: Lease) {
        guard let membership else { return }
        let shard = membership.placement.shard(of: gradient.chunk)
        let push = Push(
            shard: shard, step: lease.step,
            readVersion: membership.plan.readVersion(of: lease.step), node: lease.node,
            chunk: gradient.chunk, attempt: lease.attempt,
            digest: gradient.digest, payload: gradient.payload)
        outbox.add(.init(lease: lease.id, content: .push(push)))
    }

    private mutating func failJob(
        _ job: JobID, _ failure: JobFailure, into effects: inout [Effect]
    ) {
        guard let place = leases.firstIndex(where: { $0.stage == .computing(job) }) else {
            // The job of a lease that a roll-back took away fails nothing.
            guard case .preparing = state else { return }
            return fail(.jobFailed(failure), failure.explanation, into: &effects)
        }
        let lease = leases.remove(at: place).lease
        outbox.discardPushes(of: lease.id)
        let reason: LeaseReturned.Reason = failure.kind == .data ? .data : .failed
        giveBack(lease.id, reason, failure.explanation, into: &effects)
    }

    // MARK: Answers of servers

    mutating func receive(
        _ message: Message, fromServer server: ServerIndex, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard isOfPresentTerm(message) else {
            return speaker.ignore(message, from: .server(server), .oldTerm, into: &effects)
        }
        switch message.body {
        case .parameters(let parameters): accept(parameters, message, server, at: now, &effects)
        case .pullRefused(let refused): handle(refused, at: now, into: &effects)
        case .pushAcknowledged(let acknowledged):
            let isMeant = { (item: Outbox.Item) in
                guard case .push(let push) = item.content else { return false }
                return push.shard == acknowledged.shard && push.step == acknowledged.step
                    && push.node == acknowledged.node && push.chunk == acknowledged.chunk
                    && push.attempt == acknowledged.attempt
            }
            settle(
                acknowledged.outcome, acknowledged.step, acknowledged.node, isMeant, at: now,
                into: &effects)
            raise(acknowledged.durableThrough, of: acknowledged.shard)
        case .trailerAcknowledged(let acknowledged):
            let isMeant = { (item: Outbox.Item) in
                guard case .trailer(let report) = item.content else { return false }
                return report.shard == acknowledged.shard && report.step == acknowledged.step
                    && report.node == acknowledged.node && report.attempt == acknowledged.attempt
            }
            settle(
                acknowledged.outcome, acknowledged.step, acknowledged.node, isMeant, at: now,
                into: &effects)
            raise(acknowledged.durableThrough, of: acknowledged.shard)
        case .refusal(let refusal):
            fail(.refused(refusal), refusal.explanation, into: &effects)
        default: speaker.ignore(message, from: .server(server), .notExpected, into: &effects)
        }
    }

    /// What a deposed primary says of a shard counts for nothing: the new one may lack what it had.
    private func isOfPresentTerm(_ message: Message) -> Bool {
        let shard: ShardIndex
        switch message.body {
        case .parameters(let parameters): shard = parameters.shard
        case .pullRefused(let refused): shard = refused.shard
        case .pushAcknowledged(let acknowledged): shard = acknowledged.shard
        case .trailerAcknowledged(let acknowledged): shard = acknowledged.shard
        default: return true
        }
        guard let membership, isKnown(shard) else { return true }
        return message.header.shardTerm >= membership.placement[shard].term
    }

    private mutating func accept(
        _ parameters: Parameters, _ message: Message, _ server: ServerIndex, at now: Instant,
        _ effects: inout [Effect]
    ) {
        guard let membership, isKnown(parameters.shard),
            parameters.chunk.map({ membership.plan.chunkPlan.contains($0) }) ?? true,
            parameters.chunk.map({
                membership.plan.chunkPlan[$0].byteCount == parameters.payload?.byteCount
            }) ?? true
        else {
            return speaker.ignore(message, from: .server(server), .notExpected, into: &effects)
        }
        advancedAt = now
        cache.accept(parameters)
        raise(parameters.durableThrough, of: parameters.shard)
    }

    func isKnown(_ shard: ShardIndex) -> Bool {
        durableThrough.indices.contains(shard.index)
    }

    private mutating func handle(
        _ refused: PullRefused, at now: Instant, into effects: inout [Effect]
    ) {
        switch refused.reason {
        case .dropped:
            cache.drop(refused)
            prefetch = nil
            giveUpLeases(reading: refused)
        case .shardTerm: break  // The placement that says why is on its way.
        case .unknownChunk, .unknownVersion:
            let explanation = "version \(refused.version) of a chunk is unknown to its shard"
            fail(.pullRefused(refused), explanation, into: &effects)
        }
    }

    /// Versions are kept until every shard has committed the steps that read them, and with them all
    /// steps before.
    private mutating func giveUpLeases(reading refused: PullRefused) {
        guard let plan = membership?.plan, let chunk = refused.chunk,
            plan.chunkPlan.contains(chunk)
        else { return }
        for place in leases.indices
        where leases[place].stage == .waiting
            && plan.requiredVersion(of: chunk, at: leases[place].lease.step) <= refused.version
        {
            leases[place].stage = .computed
        }
    }

    private mutating func settle(
        _ outcome: ContributionOutcome, _ step: Step, _ node: SlotRange,
        _ isMeant: (Outbox.Item) -> Bool, at now: Instant, into effects: inout [Effect]
    ) {
        guard let item = outbox.items.first(where: isMeant) else { return }
        switch outcome {
        case .recorded, .duplicate, .covered, .stale, .awaitingConfirmation:
            advancedAt = now
            outbox.settle(isMeant)
            #if PLANTED_FORGETFUL_WORKER
                outbox.forgetSettled()
            #endif
        case .early, .shardTerm: break
        case .corrupt:
            let count = outbox.requeueCorrupt(isMeant)
            guard count >= limits.corruptPayloadAttempts else { return }
            let explanation = "a payload arrived damaged \(count) times"
            fail(
                .contributionRefused(step: step, node: node, outcome), explanation,
                into: &effects)
        case .nonFinite where isFlaggedLater(item.lease): outbox.settle(isMeant)
        case .nonFinite, .mismatch, .malformed:
            fail(
                .contributionRefused(step: step, node: node, outcome),
                "node \(node) of step \(step) was refused: \(outcome)", into: &effects)
        }
    }

    /// A chunk may leave before the node's last leaf shows that the node is not finite.
    private func isFlaggedLater(_ lease: LeaseID) -> Bool {
        guard let held = leases.first(where: { $0.lease.id == lease }) else { return false }
        return held.finiteness != .finite
    }

    private mutating func raise(_ version: Version, of shard: ShardIndex) {
        guard isKnown(shard), durableThrough[shard.index] < version else { return }
        durableThrough[shard.index] = version
        cache.reach(version, shard: shard)
        releaseDurable()
    }

    /// Forgets contributions and leases of steps that no fault can undo.
    private mutating func releaseDurable() {
        for (index, version) in durableThrough.enumerated() {
            outbox.release(shard: ShardIndex(index), durableThrough: version)
        }
        let everywhere = durableThrough.min() ?? .initial
        leases.removeAll { $0.stage == .computed && $0.lease.step.result <= everywhere }
    }
}
