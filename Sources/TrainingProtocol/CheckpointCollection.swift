/// A checkpoint between the first shard's report and its manifest.
struct CheckpointCollection: Sendable {
    enum Stage: Sendable, Equatable {
        case collecting
        case writing(JobID)
        case journaling
    }

    let version: Version
    let startedAt: Instant
    /// By shard.
    private(set) var written: [ShardWritten] = []
    var stage: Stage = .collecting

    init(version: Version, startedAt: Instant) {
        self.version = version
        self.startedAt = startedAt
    }

    mutating func add(_ shard: ShardWritten) {
        guard !written.contains(where: { $0.shard == shard.shard }) else { return }
        let place = written.firstIndex { shard.shard < $0.shard } ?? written.count
        written.insert(shard, at: place)
    }

    func missing(of shardCount: Int) -> [ShardIndex] {
        (0..<shardCount).map { ShardIndex($0) }.filter { shard in
            !written.contains { $0.shard == shard }
        }
    }
}
