/// Which server holds what: journaled by the coordinator, changed only by it.
package struct Placement: Hashable, Sendable {
    package struct Server: Hashable, Sendable {
        package let index: ServerIndex
        package let incarnation: Incarnation
        /// What a peer passes to `zmq_connect`.
        package let endpoint: String

        package init(index: ServerIndex, incarnation: Incarnation, endpoint: String) {
            self.index = index
            self.incarnation = incarnation
            self.endpoint = endpoint
        }
    }

    package struct Shard: Hashable, Sendable {
        package let index: ShardIndex
        package let term: ShardTerm
        package let primary: ServerIndex
        package let backup: ServerIndex?

        package init(
            index: ShardIndex, term: ShardTerm, primary: ServerIndex, backup: ServerIndex? = nil
        ) {
            self.index = index
            self.term = term
            self.primary = primary
            self.backup = backup
        }
    }

    /// Sorted by index.
    package let servers: [Server]
    /// Sorted by index.
    package let shards: [Shard]
    /// The shard of each chunk, by chunk id.
    package let shardOfChunk: [ShardIndex]
    /// Grows with every change; 0 stands for no placement.
    package let revision: UInt64
    /// The revision with which all shards were last loaded from a checkpoint: who knows only older
    /// placements holds a state that no longer counts.
    package let origin: UInt64

    package init(
        servers: [Server], shards: [Shard], shardOfChunk: [ShardIndex], revision: UInt64 = 1,
        origin: UInt64 = 1
    ) {
        self.revision = revision
        self.origin = origin
        self.servers = servers
        self.shards = shards
        self.shardOfChunk = shardOfChunk
    }

    package subscript(shard: ShardIndex) -> Shard { shards[shard.index] }

    package func shard(of chunk: ChunkID) -> ShardIndex { shardOfChunk[chunk.index] }

    package func primary(of shard: ShardIndex) -> ServerIndex { shards[shard.index].primary }

    package func server(_ index: ServerIndex) -> Server? { servers.first { $0.index == index } }

    /// The chunks of a shard, in chunk order.
    package func chunks(of shard: ShardIndex) -> [ChunkID] {
        shardOfChunk.indices.filter { shardOfChunk[$0] == shard }.map { ChunkID($0) }
    }

    /// Spreads chunks over shards so that the shards' bytes are balanced within each group: largest
    /// chunk first, to the shard with the fewest bytes of the group, then of all groups.
    package static func balanced(_ plan: ChunkPlan, shardCount: Int) -> [ShardIndex] {
        precondition(shardCount > 0, "no shard to place chunks on")
        var shards = Array(repeating: ShardIndex(0), count: plan.chunks.count)
        var total = Array(repeating: 0, count: shardCount)
        for group in Group.allCases {
            var ofGroup = Array(repeating: 0, count: shardCount)
            let chunks = plan.chunks.filter { $0.group == group }.sorted {
                ($1.elementCount, $0.id) < ($0.elementCount, $1.id)
            }
            for chunk in chunks {
                let lightest = (0..<shardCount).min {
                    (ofGroup[$0], total[$0], $0) < (ofGroup[$1], total[$1], $1)
                }
                guard let shard = lightest else { preconditionFailure("no shard") }
                shards[chunk.id.index] = ShardIndex(shard)
                ofGroup[shard] += chunk.byteCount
                total[shard] += chunk.byteCount
            }
        }
        return shards
    }
}
