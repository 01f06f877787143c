/// The contributions of a worker on their way to the shards, kept until their step is durable.
struct Outbox: Sendable {
    enum Delivery: Sendable, Equatable {
        case queued
        case sent(Instant)
        case settled
    }

    enum Content: Sendable {
        case push(Push)
        case trailer(TrailerReport)
    }

    struct Item: Sendable {
        let lease: LeaseID
        let content: Content
        var delivery: Delivery = .queued
        var corruptCount = 0

        var step: Step {
            switch content {
            case .push(let push): push.step
            case .trailer(let report): report.step
            }
        }

        var shard: ShardIndex {
            switch content {
            case .push(let push): push.shard
            case .trailer(let report): report.shard
            }
        }

        var byteCount: Int {
            switch content {
            case .push(let push): push.payload.byteCount
            case .trailer: 0
            }
        }

        var body: MessageBody {
            switch content {
            case .push(let push): .push(push)
            case .trailer(let report): .trailer(report)
            }
        }
    }

    /// In the order in which they leave.
    private(set) var items: [Item] = []

    mutating func add(_ item: Item) { items.append(item) }

    var unsettledCount: Int { items.count { $0.delivery != .settled } }

    func unsettledServers(_ placement: Placement) -> [ServerIndex] {
        var servers: [ServerIndex] = []
        for item in items where item.delivery != .settled {
            let server = placement.primary(of: item.shard)
            if !servers.contains(server) { servers.append(server) }
        }
        return servers.sorted()
    }

    private func byteCountInFlight(to server: ServerIndex, _ placement: Placement) -> Int {
        items.reduce(0) { sum, item in
            guard placement.primary(of: item.shard) == server, case .sent = item.delivery else {
                return sum
            }
            return sum + item.byteCount
        }
    }

    /// Takes the items that may leave now: in order per server, within its bytes in flight.
    mutating func take(
        byteCountInFlight limit: Int, placement: Placement, at now: Instant
    ) -> [Item] {
        var taken: [Item] = []
        for server in placement.servers.map(\.index) {
            var bytes = byteCountInFlight(to: server, placement)
            for place in items.indices
            where placement.primary(of: items[place].shard) == server
                && items[place].delivery == .queued
            {
                let size = items[place].byteCount
                guard bytes == 0 || bytes + size <= limit else { break }
                bytes += size
                items[place].delivery = .sent(now)
                taken.append(items[place])
            }
        }
        return taken
    }

    /// Puts back what was sent long ago to a server that has said nothing since.
    mutating func requeue(where isOverdue: (ShardIndex, Instant) -> Bool) {
        for place in items.indices {
            guard case .sent(let sent) = items[place].delivery,
                isOverdue(items[place].shard, sent)
            else { continue }
            items[place].delivery = .queued
        }
    }

    /// Queues all that a shard's new primary may lack: whatever is not durable.
    mutating func requeue(shard: ShardIndex) {
        for place in items.indices where items[place].shard == shard {
            items[place].delivery = .queued
        }
    }

    mutating func settle(_ isMeant: (Item) -> Bool) {
        for place in items.indices where isMeant(items[place]) {
            items[place].delivery = .settled
        }
    }

    #if PLANTED_FORGETFUL_WORKER
        mutating func forgetSettled() { items.removeAll { $0.delivery == .settled } }
    #endif

    /// Queues a push whose payload arrived damaged; returns how often that has happened.
    mutating func requeueCorrupt(_ isMeant: (Item) -> Bool) -> Int {
        guard let place = items.firstIndex(where: isMeant) else { return 0 }
        items[place].corruptCount += 1
        items[place].delivery = .queued
        return items[place].corruptCount
    }

    /// Forgets what a shard will never ask for again.
    mutating func release(shard: ShardIndex, durableThrough: Version) {
        items.removeAll {
            $0.shard == shard && $0.step.result <= durableThrough
        }
    }

    mutating func discardPushes(of lease: LeaseID) {
        items.removeAll {
            guard $0.lease == lease, case .push = $0.content else { return false }
            return $0.delivery == .queued
        }
    }
}
