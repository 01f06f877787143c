// How a placement follows the servers that come and go: pure decisions, journaled before they hold.
extension Placement {
    /// A server as a repair sees it.
    package struct Candidate: Hashable, Sendable {
        package enum Willingness: Hashable, Sendable {
            case staying
            /// It was asked to stop: its copies move to others where that loses nothing.
            case leaving
            /// It has said nothing for a while and may be gone: until that is known, what it holds
            /// stays, and so does every copy that may have to replace it.
            case doubtful
        }

        package let server: Server
        package let willingness: Willingness

        package init(_ server: Server, _ willingness: Willingness) {
            self.server = server
            self.willingness = willingness
        }
    }

    package enum Repair: Hashable, Sendable {
        case unchanged
        case changed(Placement)
        /// Some shard has lost each copy that may act: only a checkpoint has its state.
        case rollBack
    }

    /// The placement that these servers can hold, one kind of change at a time: first losses, then
    /// new backups, then balance.
    ///
    /// - Parameters:
    ///   - inSync: shards whose backup is journaled to hold everything that is durable.
    ///   - unbacked: shards whose primary cannot use its backup.
    package func repaired(
        _ candidates: [Candidate], inSync: [ShardIndex], unbacked: [ShardIndex] = []
    ) -> Repair {
        guard let survived = withoutLosses(candidates, inSync, unbacked) else { return .rollBack }
        let servers = candidates.map(\.server).sorted { $0.index < $1.index }
        let staying = candidates.filter { $0.willingness == .staying }.map(\.server.index).sorted()
        var next = survived
        if next == shards { next = Placement.withBackups(next, staying) }
        let isAnyDoubtful = candidates.contains { $0.willingness == .doubtful }
        if next == shards, servers == self.servers, !isAnyDoubtful {
            next = Placement.balanced(next, staying, inSync)
        }
        guard next != shards || servers != self.servers else { return .unchanged }
        return .changed(
            Placement(
                servers: servers, shards: next, shardOfChunk: shardOfChunk,
                revision: revision + 1, origin: origin))
    }

    /// A new shard term fences whoever acted before; nil where a shard has no copy left.
    private func withoutLosses(
        _ candidates: [Candidate], _ inSync: [ShardIndex], _ unbacked: [ShardIndex]
    ) -> [Shard]? {
        var result: [Shard] = []
        for shard in shards {
            let primary = candidates.first { $0.server.index == shard.primary }
            let backup = candidates.first { $0.server.index == shard.backup }
            let mayPromote =
                inSync.contains(shard.index) && backup?.willingness == .staying
            let mustPromote = primary == nil || (primary?.willingness == .leaving && mayPromote)
            if mustPromote {
                // A leaving backup is still better than a roll-back.
                #if PLANTED_PROMOTION_OUT_OF_SYNC
                    let holdsEverything = true
                #else
                    let holdsEverything = inSync.contains(shard.index)
                #endif
                guard let backup, holdsEverything else { return nil }
                result.append(shard.led(by: backup.server.index))
            } else if shard.backup != nil,
                backup == nil || backup?.willingness == .leaving
                    || unbacked.contains(shard.index)
            {
                result.append(shard.led(by: shard.primary))
            } else {
                result.append(shard)
            }
        }
        return result
    }

    /// Gives each shard without a backup the server with the fewest copies.
    private static func withBackups(_ shards: [Shard], _ staying: [ServerIndex]) -> [Shard] {
        var result = shards
        for place in result.indices where result[place].backup == nil {
            let shard = result[place]
            let lightest = staying.filter { $0 != shard.primary }
                .min { (copies(of: $0, result), $0) < (copies(of: $1, result), $1) }
            guard let lightest else { continue }
            result[place] = Shard(
                index: shard.index, term: shard.term, primary: shard.primary, backup: lightest)
        }
        return result
    }

    /// One step towards equal loads, and only while every shard has a backup in sync.
    private static func balanced(
        _ shards: [Shard], _ staying: [ServerIndex], _ inSync: [ShardIndex]
    ) -> [Shard] {
        guard shards.allSatisfy({ inSync.contains($0.index) }) else { return shards }
        var result = shards
        for place in result.indices {
            let shard = result[place]
            guard let backup = shard.backup, staying.contains(backup) else { continue }
            if primaries(of: shard.primary, result) >= primaries(of: backup, result) + 2 {
                result[place] = shard.led(by: backup)
                return result
            }
            let lightest = staying.filter { $0 != shard.primary }
                .min { (copies(of: $0, result), $0) < (copies(of: $1, result), $1) }
            if let lightest, copies(of: backup, result) >= copies(of: lightest, result) + 2 {
                result[place] = Shard(
                    index: shard.index, term: ShardTerm(shard.term.number + 1),
                    primary: shard.primary, backup: lightest)
                return result
            }
        }
        return result
    }

    private static func copies(of server: ServerIndex, _ shards: [Shard]) -> Int {
        shards.count { $0.primary == server || $0.backup == server }
    }

    private static func primaries(of server: ServerIndex, _ shards: [Shard]) -> Int {
        shards.count { $0.primary == server }
    }

    /// A placement from nothing: one shard per server, backed by the next server.
    package static func fresh(
        _ servers: [Server], _ plan: ChunkPlan, term: ShardTerm, revision: UInt64
    ) -> Placement {
        let sorted = servers.sorted { $0.index < $1.index }
        let shards = sorted.indices.map { place in
            let next = sorted[(place + 1) % sorted.count].index
            return Shard(
                index: ShardIndex(place), term: term, primary: sorted[place].index,
                backup: next == sorted[place].index ? nil : next)
        }
        return Placement(
            servers: sorted, shards: shards,
            shardOfChunk: balanced(plan, shardCount: sorted.count), revision: revision,
            origin: revision)
    }

    /// Whether the server holds a copy of some shard.
    package func isPlaced(_ server: ServerIndex) -> Bool {
        shards.contains { $0.primary == server || $0.backup == server }
    }

    package var highestTerm: ShardTerm { shards.map(\.term).max() ?? ShardTerm(0) }

    package var highestServer: ServerIndex? { servers.map(\.index).max() }
}

extension Placement.Shard {
    /// The same shard under a new term, led by `server`, with nobody behind it.
    fileprivate func led(by server: ServerIndex) -> Placement.Shard {
        Placement.Shard(index: index, term: ShardTerm(term.number + 1), primary: server)
    }
}
