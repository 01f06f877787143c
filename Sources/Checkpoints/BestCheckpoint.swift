import TrainingProtocol

/// The checkpoint with the best validation result so far.
public struct BestCheckpoint: Equatable, Sendable {
    /// Commits that the checkpoint holds.
    public var step: Int
    /// Mean IoU in 0...1.
    public var meanIOU: Double

    /// Traps where `meanIOU` is not finite.
    public init(step: Int, meanIOU: Double) {
        precondition(meanIOU.isFinite, "mean IoU \(meanIOU)")
        self.step = step
        self.meanIOU = meanIOU
    }
}

extension CheckpointDirectory {
    private var bestPath: String { path + "/best.json" }

    /// Records the best checkpoint; it is kept by `prune`.
    public func recordBest(_ best: BestCheckpoint) throws(CheckpointError) {
        try fileSystem.ensureDirectory(run)
        try fileSystem.ensureDirectory(path)
        let json = JSON.object([
            .init("step", .integer(best.step)), .init("mean_iou", .number(best.meanIOU)),
        ])
        try fileSystem.writeText(json.text + "\n", to: bestPath)
    }

    /// The best checkpoint on record; nil where none is.
    public func best() throws(CheckpointError) -> BestCheckpoint? {
        guard let record = try record(bestPath) else { return nil }
        guard let step = record["step"]?.integer, let meanIOU = record["mean_iou"]?.number else {
            throw CheckpointError(
                .corrupt, file: bestPath, "expected members step and mean_iou")
        }
        return BestCheckpoint(step: step, meanIOU: meanIOU)
    }

    private var heldPath: String { path + "/held.json" }

    /// Keeps one checkpoint from `prune` while it is judged; nil lets go of it.
    /// - Throws: `CheckpointError` where the record cannot be written or removed.
    public func hold(_ step: Int?) throws(CheckpointError) {
        if let step {
            let json = JSON.object([.init("step", .integer(step))])
            return try fileSystem.writeText(json.text + "\n", to: heldPath)
        }
        var file: Int32 = -1
        let result = fileSystem.perform(.remove(heldPath), of: FileContent([]), on: &file)
        if case .failed(let error) = result, error != .notFound {
            throw .system(error.code, heldPath, "cannot be removed")
        }
    }

    func held() throws(CheckpointError) -> Int? {
        guard let record = try record(heldPath) else { return nil }
        guard let step = record["step"]?.integer else {
            throw CheckpointError(.corrupt, file: heldPath, "expected a member step")
        }
        return step
    }

    /// A small file of JSON; nil where there is none.
    private func record(_ path: String) throws(CheckpointError) -> JSON? {
        let bytes: [UInt8]
        do throws(CheckpointError) {
            bytes = try ReadableFile(path: path).contents(maximumByteCount: 4096)
        } catch {
            if error.kind == .missing { return nil }
            throw error
        }
        guard let json = bytes.withUnsafeBytes({ try? JSONParser.parse($0) }) else {
            throw CheckpointError(.corrupt, file: path, "expected an object of JSON")
        }
        return json
    }
}
