import TrainingProtocol

/// What `CheckpointDirectory.prune` came to.
public enum Pruning: Equatable, Sendable {
    /// The steps deleted, oldest first; none where all are kept.
    case deleted([Int])
    /// None of the checkpoints that would stay verifies, so nothing was deleted.
    case refused
}

extension CheckpointDirectory {
    /// Deletes all checkpoints but the newest `keep`, the best one and one that is held, and what
    /// unfinished writes older than the newest left behind.
    ///
    /// Nothing is deleted unless one of the checkpoints that stay verifies. Runs at a low
    /// priority.
    /// - Parameters:
    ///   - keep: at least 1.
    ///   - verified: a checkpoint that was just read and found whole, and is not read again.
    /// - Throws: `CheckpointError`; what was deleted before the error is gone.
    public func prune(
        keep: Int, verified: Manifest? = nil
    ) throws(CheckpointError) -> Pruning {
        precondition(keep >= 1, "keep \(keep)")
        let complete = try steps()
        let protected = [try best()?.step, try held()].compactMap { $0 }
        var machine = RetentionMachine(
            complete: entries(complete),
            incomplete: entries(try stepDirectories().filter { !complete.contains($0) }),
            keep: keep, protected: protected.map(UInt64.init),
            knownWhole: verified.map { UInt64($0.step) }, manifestName: Manifest.fileName)
        return try inBackground(makingWayWhile: makesWay) { pace throws(CheckpointError) in
            try drive(&machine, at: pace)
        }
    }

    private func entries(_ steps: [Int]) -> [RetentionMachine.Entry] {
        steps.map { RetentionMachine.Entry(step: UInt64($0), path: path(of: $0)) }
    }

    private func drive(
        _ machine: inout RetentionMachine, at pace: BackgroundPace
    ) throws(CheckpointError) -> Pruning {
        var effect = machine.start()
        var file: Int32 = -1
        while true {
            switch effect {
            case .verify(let step):
                let isWhole = (try? open(step: Int(step), at: pace)) != nil
                effect = machine.handle(isWhole ? .sound : .damaged)
            case .perform(let operation):
                effect = machine.handle(
                    .performed(fileSystem.perform(operation, of: FileContent([]), on: &file)))
            case .finish(.deleted(let steps)): return .deleted(steps.map(Int.init))
            case .finish(.refused): return .refused
            case .finish(.failed(let failure, _)):
                throw .system(
                    failure.error.code, failure.path,
                    "\(failure.operation.name) failed; the checkpoints that are kept are untouched")
            }
        }
    }
}
