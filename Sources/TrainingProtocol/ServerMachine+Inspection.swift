extension ServerMachine {
    /// The shards' versions, by shard: what observers may check.
    package var shardVersions: [(shard: ShardIndex, version: Version)] {
        shards.map { ($0.index, $0.version) }
    }

    /// The chunks of a shard that this server holds, by id; nil if it does not.
    package func chunks(of shard: ShardIndex) -> [ChunkID]? {
        shards.first { $0.index == shard }?.chunks
    }
}
