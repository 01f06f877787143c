import TrainingProtocol

/// Looks for the newest checkpoint that verifies, and makes its names durable before it is counted
/// on.
struct CheckpointSearch: StorageJob {
    let content: [UInt8] = []
    var file: SimulatedFileSystem.Handle?
    private var operation = FileOperation.list(SimulatedDisk.checkpoints)
    private var found: CheckpointReference?

    mutating func start(on disk: inout SimulatedDisk) -> StorageEffect { .perform(operation) }

    mutating func handle(
        _ result: FileResult, on disk: inout SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        switch operation.meaning(of: result) {
        case nil: return .perform(operation)
        case .failed: return failed("\(operation.name) failed")
        case .listed(let names): return try search(names, on: disk)
        default:
            guard let found else { preconditionFailure("\(result) of \(operation)") }
            try disk.acknowledge(found)
            return .finish(.finished(.checkpointFound(found)))
        }
    }

    private mutating func search(
        _ names: [String], on disk: SimulatedDisk
    ) throws(InvariantViolation) -> StorageEffect {
        let newest = SimulatedDisk.versions(names).last { disk.load($0) != nil }
        guard let newest, let reference = disk.reference(to: newest) else {
            throw InvariantViolation("there is no checkpoint to go back to")
        }
        found = reference
        operation = .synchroniseDirectory(SimulatedDisk.directory(of: newest))
        return .perform(operation)
    }
}
