extension ServerMachine {
    // MARK: Pulls

    mutating func answer(
        _ pull: Pull, _ header: Header, from peer: Peer, into effects: inout [Effect]
    ) {
        guard case .serving(let membership) = state,
            let place = shards.firstIndex(where: { $0.index == pull.shard })
        else {
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
        guard case .serving(let membership) = state else { return }
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
        guard case .serving(let membership) = state,
            let place = shards.firstIndex(where: { $0.index == push.shard })
        else { return }
        if let outcome = judge(push, header, shards[place], membership) {
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
            .inspect(InspectJob(digest: push.digest, payload: push.payload)), into: &effects)
        inspecting.append(
            Inspecting(job: job, push: push, peer: peer, incarnation: header.incarnation))
    }

    /// The outcome of a push where its payload does not matter; nil if it is wanted.
    private func judge(
        _ push: Push, _ header: Header, _ shard: ShardState, _ membership: Membership
    ) -> ContributionOutcome? {
        let plan = membership.plan
        guard header.shardTerm == shard.term else { return .shardTerm }
        if push.step.index < shard.version.index { return .stale }
        guard push.step.index < plan.stepCount, plan.tree.isNode(push.node),
            push.readVersion == Version(push.step.index), shard.chunks.contains(push.chunk),
            plan.isTrained(push.chunk, at: push.step),
            push.payload.byteCount == plan.chunkPlan[push.chunk].byteCount
        else { return .malformed }
        guard let open = shard.open, open.step == push.step else { return .early }
        return open.outcome(ofPush: push, policy: membership.policy)
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
        guard case .serving(let membership) = state,
            let waiting = inspecting.firstIndex(where: { $0.job == job })
        else { return }
        let inspected = inspecting.remove(at: waiting)
        let push = inspected.push
        guard let place = shards.firstIndex(where: { $0.index == push.shard }) else { return }
        var outcome: ContributionOutcome
        switch inspection {
        case .corrupt: outcome = .corrupt
        case .nonFinite: outcome = .nonFinite
        case .sound where push.step.index < shards[place].version.index: outcome = .stale
        case .sound:
            outcome = .recorded
            if let known = shards[place].open?.outcome(ofPush: push, policy: membership.policy) {
                outcome = known
            } else {
                shards[place].open?.record(push, from: inspected.incarnation)
            }
        }
        if outcome == .mismatch { reportDisagreement(push, shards[place], into: &effects) }
        acknowledge(push, outcome, shards[place], to: inspected.peer, into: &effects)
        if outcome == .recorded { commitIfComplete(shard: place, into: &effects) }
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
        guard case .serving(let membership) = state,
            let place = shards.firstIndex(where: { $0.index == report.shard })
        else { return }
        let outcome =
            judge(report, header, shards[place], membership)
            ?? shards[place].open?.record(
                report, from: header.incarnation, policy: membership.policy) ?? .early
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
        guard header.shardTerm == shard.term else { return .shardTerm }
        if report.step.index < shard.version.index { return .stale }
        guard report.step.index < plan.stepCount, plan.tree.isNode(report.node),
            report.readVersion == Version(report.step.index),
            isWellFormed(report.trailer, of: report.node, plan)
        else { return .malformed }
        guard shard.open?.step == report.step else { return .early }
        return nil
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
        case .nonFinite:
            return trailer
                == .nonFinite(
                    samples: trailer.samples, validPixels: trailer.validPixels,
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
