import TrainingProtocol

/// Writes one shard of a checkpoint.
struct ShardWriting: StorageJob {
    let content: [UInt8]
    var file: SimulatedFileSystem.Handle?
    private let written: WrittenFile
    private var machine: ShardWriteMachine

    /// - Parameter writer: no other one has the name.
    init(
        _ job: SnapshotJob, _ chunks: [SimulatedDisk.Chunk], writer: String,
        on disk: inout SimulatedDisk
    ) {
        let directory = SimulatedDisk.directory(of: job.version)
        let name = "shard-\(job.shard)-of-\(job.shardCount)"
        (written, content) = disk.file(.init(version: job.version, chunks: chunks), name: name)
        machine = ShardWriteMachine(
            directories: [SimulatedDisk.checkpoints, directory],
            file: AtomicWriteMachine(
                path: "\(directory)/\(name)", temporaryPath: "\(directory)/\(name).\(writer).tmp",
                byteCount: content.count))
    }

    mutating func start(on disk: inout SimulatedDisk) -> StorageEffect { follow(machine.start()) }

    mutating func handle(_ result: FileResult, on disk: inout SimulatedDisk) -> StorageEffect {
        follow(machine.handle(result))
    }

    private func follow(_ effect: ShardWriteMachine.Effect) -> StorageEffect {
        switch effect {
        case .perform(let operation): return .perform(operation)
        case .finish(.durable):
            let description = Frame(copying: Array("{}".utf8))
            return .finish(.finished(.written([written], description: description)))
        case .finish(.failed(let failure)): return failed(failure)
        }
    }
}
