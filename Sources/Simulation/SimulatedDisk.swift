import TrainingProtocol

/// What all processes of a simulation have written: it outlives them.
struct SimulatedDisk: Sendable {
    struct ShardFile: Sendable {
        let shard: ShardIndex
        let shardCount: Int
        let version: Version
        let chunks: [(chunk: ChunkID, state: SyntheticWorkload.ChunkState)]
    }

    private(set) var files: [ShardFile] = []
    private(set) var manifests: [CheckpointReference] = []
    /// By manifest: the number of shards its checkpoint was cut into.
    private var shardCounts: [(version: Version, count: Int)] = []
    private(set) var journal: [JournalEntry] = []
    /// When each of the journal's last entries is safe, in their order.
    private var safeAt: [Instant] = []
    private(set) var ledger: [StepRecord] = []
    /// The step of the ledger's first entry.
    var firstStep: UInt64 = 0

    var recordedThrough: Version { Version(firstStep + UInt64(ledger.count)) }

    mutating func write(_ file: ShardFile) {
        files.removeAll {
            $0.shard == file.shard && $0.version == file.version
                && $0.shardCount == file.shardCount
        }
        files.append(file)
    }

    mutating func write(_ manifest: CheckpointReference, shardCount: Int) {
        manifests.removeAll { $0.version == manifest.version }
        shardCounts.removeAll { $0.version == manifest.version }
        manifests.append(manifest)
        manifests.sort { $0.version < $1.version }
        shardCounts.append((manifest.version, shardCount))
    }

    mutating func append(_ entry: JournalEntry) { journal.append(entry) }

    /// The newest entry reaches the disk then.
    mutating func journalIsSafe(at time: Instant) { safeAt.append(time) }

    /// Whoever writes the journal dies: of the entries on their way some first ones are there.
    mutating func loseJournal(at now: Instant, _ random: inout SplitMix64) {
        let count = safeAt.count { now < $0 }
        if count > 0 { journal.removeLast(Int(random.below(UInt64(count) + 1))) }
        safeAt = []
    }

    mutating func append(_ records: [StepRecord]) throws(InvariantViolation) {
        for record in records {
            guard record.step.index == recordedThrough.index else {
                throw InvariantViolation(
                    "the ledger is at \(recordedThrough) and gets step \(record.step)")
            }
            ledger.append(record)
        }
    }

    mutating func cutLedger(_ version: Version) {
        let kept = version.index < firstStep ? 0 : Int(version.index - firstStep)
        ledger = Array(ledger.prefix(kept))
    }

    /// All chunks of a checkpoint, by id; nil if one of them is not there.
    func load(
        _ version: Version, shardCount: Int, chunkCount: Int
    ) -> [SyntheticWorkload.ChunkState]? {
        let chunks = files.filter { $0.version == version && $0.shardCount == shardCount }
            .flatMap(\.chunks).sorted { $0.chunk < $1.chunk }
        guard chunks.map(\.chunk.index) == Array(0..<chunkCount) else { return nil }
        return chunks.map(\.state)
    }

    func load(_ version: Version, chunkCount: Int) -> [SyntheticWorkload.ChunkState]? {
        guard let cut = shardCounts.last(where: { $0.version == version }) else { return nil }
        return load(version, shardCount: cut.count, chunkCount: chunkCount)
    }
}
