// How a worker follows the servers that come and go, and a coordinator that was started again.
extension WorkerMachine {
    /// Opens links to the placement's servers and closes those to others.
    mutating func connect(
        to placement: Placement, at now: Instant, into effects: inout [Effect]
    ) {
        for link in links where placement.server(link.server) == nil {
            effects.append(.disconnect(.server(link.server)))
        }
        links.removeAll { placement.server($0.server) == nil }
        for server in placement.servers where !links.contains(where: { $0.server == server.index })
        {
            links.append(ServerLink(server: server.index, heardAt: now, answeredAt: now))
            effects.append(.connect(.server(server.index), endpoint: server.endpoint))
        }
    }

    /// A welcome of a coordinator that was started again: it gives the leases anew.
    mutating func meetAgain(
        _ welcome: Welcome, _ header: Header, at now: Instant, into effects: inout [Effect]
    ) {
        guard speaker.coordinatorTerm < header.coordinatorTerm else { return }
        speaker.coordinatorTerm = header.coordinatorTerm
        change { $0.member = welcome.member }
        if case .checkpoint(let target) = welcome.source {
            // The run went back while this worker could not hear of it.
            let rollBack = RollBack(target: target, placement: welcome.placement)
            goBack(rollBack, at: now, into: &effects)
        } else {
            adopt(welcome.placement, at: now, into: &effects)
        }
        if case .draining = state { speaker.send(.drain, to: .coordinator, into: &effects) }
        beat(into: &effects)
    }

    /// What a shard's new primary may lack is sent to it; what was asked of the old one is asked
    /// of the new.
    mutating func adopt(
        _ placement: Placement, at now: Instant, into effects: inout [Effect]
    ) {
        guard let old = membership?.placement, old.revision < placement.revision,
            placement.origin <= old.revision
        else { return }
        change { $0.placement = placement }
        connect(to: placement, at: now, into: &effects)
        for shard in placement.shards where shard.term != old[shard.index].term {
            cache.forgetPulls(of: shard.index)
            outbox.requeue(shard: shard.index)
        }
    }

    /// The run goes on from a checkpoint: nothing that was computed since counts.
    mutating func goBack(
        _ rollBack: RollBack, at now: Instant, into effects: inout [Effect]
    ) {
        guard let old = membership?.placement, old.revision < rollBack.placement.revision else {
            return
        }
        guard old.revision < rollBack.placement.origin else {
            return adopt(rollBack.placement, at: now, into: &effects)
        }
        change { $0.placement = rollBack.placement }
        leases = []
        outbox = Outbox()
        prefetch = nil
        durableThrough = Array(
            repeating: .initial, count: rollBack.placement.shards.count)
        cache.restart(shardCount: rollBack.placement.shards.count)
        connect(to: rollBack.placement, at: now, into: &effects)
    }

    private mutating func change(_ edit: (inout Membership) -> Void) {
        switch state {
        case .preparing(var membership):
            edit(&membership)
            state = .preparing(membership)
        case .working(var membership):
            edit(&membership)
            state = .working(membership)
        case .draining(var membership):
            edit(&membership)
            state = .draining(membership)
        case .joining, .ended: break
        }
    }
}
