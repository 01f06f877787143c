extension ServerMachine {
    /// A shard that this server leads: what observers may check.
    package struct LedShard: Sendable {
        package let shard: ShardIndex
        package let term: ShardTerm
        package let version: Version
        package let durableThrough: Version
    }

    package var ledShards: [LedShard] {
        guard case .member = state else { return [] }
        return shards.filter(\.isPrimary).map {
            LedShard(
                shard: $0.index, term: $0.term, version: $0.version,
                durableThrough: $0.durableThrough)
        }
    }
}
