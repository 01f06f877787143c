import TrainingProtocol

/// What all processes of a simulation have written: it outlives them.
struct SimulatedDisk: Sendable {
    struct ShardFile: Sendable {
        let shard: ShardIndex
        let version: Version
        let chunks: [(chunk: ChunkID, state: SyntheticWorkload.ChunkState)]
    }

    private(set) var files: [ShardFile] = []
    private(set) var manifests: [CheckpointReference] = []
    private(set) var journal: [JournalEntry] = []

    mutating func write(_ file: ShardFile) {
        files.removeAll { $0.shard == file.shard && $0.version == file.version }
        files.append(file)
    }

    mutating func write(_ manifest: CheckpointReference) { manifests.append(manifest) }

    mutating func append(_ entry: JournalEntry) { journal.append(entry) }

    /// All chunks of a checkpoint, by id; nil if one of them is not there.
    func load(_ version: Version, chunkCount: Int) -> [SyntheticWorkload.ChunkState]? {
        let chunks = files.filter { $0.version == version }.flatMap(\.chunks)
            .sorted { $0.chunk < $1.chunk }
        guard chunks.map(\.chunk.index) == Array(0..<chunkCount) else { return nil }
        return chunks.map(\.state)
    }
}
