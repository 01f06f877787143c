extension ServerMachine {
    // MARK: Pulls

    mutating func answer(
        _ pull: Pull, _ header: Header, from peer: Peer, into effects: inout [Effect]
    ) {
        guard isServing, let membership, let place = ledShard(pull.shard) else {
            // The puller repeats itself; by then the shard may be here.
            return
        }
        let shard = shards[place]
        guard header.shardTerm == shard.term else {
            return refuse(pull, .shardTerm, shard, to: peer, into: &effects)
        }
        switch shard.answer(to: pull, plan: membership.plan) {
        case .chunk(let kept): send(kept, for: pull, shard, to: peer, into: &effects)
        case .reached: send(nil, for: pull, shard, to: peer, into: &effects)
        case .parks: shards[place].park(pull, from: peer)
        case .refused(let reason): refuse(pull, reason, shard, to: peer, into: &effects)
        }
    }

    private func ledShard(_ shard: ShardIndex) -> Int? {
        shards.firstIndex { $0.index == shard && $0.isPrimary }
    }

    private func refuse(
        _ pull: Pull, _ reason: PullRefused.Reason, _ shard: ShardState, to peer: Peer,
        into effects: inout [Effect]
    ) {
        let refused = PullRefused(
            shard: pull.shard, chunk: pull.chunk, version: pull.version, reason: reason,
            shardVersion: shard.version)
        speaker.send(
            .pullRefused(refused), to: peer, shardTerm: shard.term, into: &effects)
    }

    private func send(
        _ kept: ShardState.KeptChunk?, for pull: Pull, _ shard: ShardState, to peer: Peer,
        into effects: inout [Effect]
    ) {
        let parameters = Parameters(
            shard: shard.index, chunk: pull.chunk, version: pull.version,
            durableThrough: shard.durableThrough, payload: kept?.payload)
        speaker.send(
            .parameters(parameters), to: peer, shardTerm: shard.term, into: &effects)
    }

    /// Answers parked pulls that have become answerable.
    mutating func answerParked(
        shard place: Int, where isDue: (Pull) -> Bool, into effects: inout [Effect]
    ) {
        guard let membership else { return }
        for parked in shards[place].unpark(isDue) {
            let shard = shards[place]
            switch shard.answer(to: parked.pull, plan: membership.plan) {
            case .chunk(let kept):
                send(kept, for: parked.pull, shard, to: parked.peer, into: &effects)
            case .reached: send(nil, for: parked.pull, shard, to: parked.peer, into: &effects)
            case .parks: shards[place].park(parked.pull, from: parked.peer)
            case .refused(let reason):
                refuse(parked.pull, reason, shard, to: parked.peer, into: &effects)
            }
        }
    }

    // MARK: Pushes

    mutating func inspect(
        _ push: Push, _ header: Header, from peer: Peer, into effects: inout [Effect]
    ) {
        guard isServing, let membership, let place = ledShard(push.shard) else { return }
        if let outcome = judge(push, header, shard: place, membership) {
            return acknowledge(push, outcome, shards[place], to: peer, into: &effects)
        }
        let inspected = inspecting.reduce(0) { sum, other in
            sum + (other.peer == peer ? other.push.payload.byteCount : 0)
        }
        guard
            inspected == 0
                || inspected + push.payload.byteCount <= limits.inspectionByteCountPerPeer
        else { return }
        let job = speaker.start(
            .inspect(
                InspectJob(
                    digest: push.digest, payload: push.payload,
                    format: membership.plan.gradientFormat(of: push.chunk))), into: &effects)
        inspecting.append(
            Inspecting(
                job: job, push: push, term: header.shardTerm, peer: peer,
                incarnation: header.incarnation))
    }

    /// The outcome of a push where its payload does not matter; nil if it is wanted.
    private mutating func judge(
        _ push: Push, _ header: Header, shard place: Int, _ membership: Membership
    ) -> ContributionOutcome? {
        let plan = membership.plan
        let shard = shards[place]
        #if !PLANTED_NO_FENCING
            guard header.shardTerm == shard.term else { return .shardTerm }
        #endif
        if push.step.index < shard.version.index { return .stale }
        guard push.step.index < plan.stepCount, plan.tree.isNode(push.node),
            push.readVersion == plan.readVersion(of: push.step),
            shard.chunks.contains(push.chunk),
            plan.isTrained(push.chunk, at: push.step),
            push.payload.byteCount == plan.gradientByteCount(of: push.chunk)
        else { return .malformed }
        guard let open = shards[place].openStep(push.step, plan: plan) else { return .early }
        return shards[place].open[open].outcome(ofPush: push, policy: membership.policy)
    }

    private func acknowledge(
        _ push: Push, _ outcome: ContributionOutcome, _ shard: ShardState, to peer: Peer,
        into effects: inout [Effect]
    ) {
        if outcome.isRefusal, outcome != .shardTerm {
            effects.append(
                .report(
                    .contributionRefused(
                        step: push.step, node: push.node, outcome, from: peer)))
        }
        let acknowledged = PushAcknowledged(
            shard: push.shard, step: push.step, node: push.node, chunk: push.chunk,
            attempt: push.attempt, outcome: outcome, durableThrough: shard.durableThrough)
        speaker.send(
            .pushAcknowledged(acknowledged), to: peer, shardTerm: shard.term, into: &effects)
    }

    /// Takes up a push again when its payload has been looked at.
    mutating func finishInspection(
        _ job: JobID, _ inspection: Inspection, at now: Instant, into effects: inout [Effect]
    ) {
        guard let membership, let waiting = inspecting.firstIndex(where: { $0.job == job })
        else { return }
        let inspected = inspecting.remove(at: waiting)
        let push = inspected.push
        guard let place = ledShard(push.shard), shards[place].term == inspected.term else {
            return
        }
        let outcome: ContributionOutcome =
            switch inspection {
            case .corrupt: .corrupt
            case .nonFinite: .nonFinite
            case .sound: record(push, from: inspected.incarnation, shard: place, membership)
            }
        if outcome == .mismatch { reportDisagreement(push, shards[place], into: &effects) }
        acknowledge(push, outcome, shards[place], to: inspected.peer, into: &effects)
        if outcome == .recorded { commitIfComplete(shard: place, into: &effects) }
    }

    private mutating func record(
        _ push: Push, from incarnation: Incarnation, shard place: Int, _ membership: Membership
    ) -> ContributionOutcome {
        if push.step.index < shards[place].version.index { return .stale }
        guard let open = shards[place].openStep(push.step, plan: membership.plan) else {
            return .early
        }
        let step = shards[place].open[open]
        if let known = step.outcome(ofPush: push, policy: membership.policy) { return known }
        shards[place].open[open].record(push, from: incarnation)
        return .recorded
    }

    private func reportDisagreement(
        _ push: Push, _ shard: ShardState, into effects: inout [Effect]
    ) {
        effects.append(
            .report(
                .attemptsDisagree(
                    step: push.step, node: push.node, chunk: push.chunk, [push.attempt])))
    }

    // MARK: Trailers

    mutating func record(
        _ report: TrailerReport, _ header: Header, from peer: Peer, at now: Instant,
        into effects: inout [Effect]
    ) {
        guard isServing, let membership, let place = ledShard(report.shard) else { return }
        let outcome =
            judge(report, header, shards[place], membership)
            ?? record(report, from: header.incarnation, shard: place, membership)
        acknowledge(report, outcome, shards[place], to: peer, into: &effects)
        switch outcome {
        case .recorded: commitIfComplete(shard: place, into: &effects)
        case .awaitingConfirmation: reportProgress(shards[place], into: &effects)
        case .mismatch:
            effects.append(
                .report(
                    .attemptsDisagree(
                        step: report.step, node: report.node, chunk: nil, [report.attempt])))
        default: break
        }
    }

    private func judge(
        _ report: TrailerReport, _ header: Header, _ shard: ShardState, _ membership: Membership
    ) -> ContributionOutcome? {
        let plan = membership.plan
        #if !PLANTED_NO_FENCING
            guard header.shardTerm == shard.term else { return .shardTerm }
        #endif
        if report.step.index < shard.version.index { return .stale }
        guard report.step.index < plan.stepCount, plan.tree.isNode(report.node),
            report.readVersion == plan.readVersion(of: report.step),
            isWellFormed(report.trailer, of: report.node, plan)
        else { return .malformed }
        return nil
    }

    private mutating func record(
        _ report: TrailerReport, from incarnation: Incarnation, shard place: Int,
        _ membership: Membership
    ) -> ContributionOutcome {
        guard let open = shards[place].openStep(report.step, plan: membership.plan) else {
            return .early
        }
        return shards[place].open[open].record(
            report, from: incarnation, policy: membership.policy)
    }

    private func isWellFormed(
        _ trailer: Trailer, of node: SlotRange, _ plan: RunPlan
    ) -> Bool {
        guard trailer.samples == UInt64(node.count * plan.samplesPerSlot),
            trailer.losses.count == plan.lossNames.count,
            trailer.metrics.count == plan.metricNames.count
        else { return false }
        switch trailer.finiteness {
        case .finite:
            return trailer.maximumAbsoluteGradient >= 0
                && trailer.maximumAbsoluteGradient <= plan.gradientCap
                && trailer.nonFiniteSlot == nil
        case .nonFinite:
            guard let slot = trailer.nonFiniteSlot, node.contains(SlotRange(slot, slot + 1))
            else { return false }
            return trailer
                == .nonFinite(
                    slot: slot, samples: trailer.samples, validPixels: trailer.validPixels,
                    lossCount: plan.lossNames.count, metricCount: plan.metricNames.count)
        }
    }

    private func acknowledge(
        _ report: TrailerReport, _ outcome: ContributionOutcome, _ shard: ShardState,
        to peer: Peer, into effects: inout [Effect]
    ) {
        if outcome.isRefusal, outcome != .shardTerm {
            effects.append(
                .report(
                    .contributionRefused(
                        step: report.step, node: report.node, outcome, from: peer)))
        }
        let acknowledged = TrailerAcknowledged(
            shard: report.shard, step: report.step, node: report.node, attempt: report.attempt,
            outcome: outcome, durableThrough: shard.durableThrough)
        speaker.send(
            .trailerAcknowledged(acknowledged), to: peer, shardTerm: shard.term, into: &effects)
    }
}
