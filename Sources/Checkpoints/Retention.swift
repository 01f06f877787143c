import Glibc

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
        do throws(SystemError) { try fileSystem.remove(heldPath) } catch {
            guard error.code == ENOENT else {
                throw .system(error.code, heldPath, "cannot be removed")
            }
        }
    }

    private func held() throws(CheckpointError) -> Int? {
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

    /// Deletes all checkpoints but the newest `keep`, the best one and one that is held, and what unfinished writes
    /// older than the newest left behind.
    ///
    /// Nothing is deleted unless one of the checkpoints that stay verifies.
    /// - Returns: the steps deleted.
    public func prune(keep: Int) throws(CheckpointError) -> [Int] {
        precondition(keep >= 1, "keep \(keep)")
        let complete = try steps()
        guard let newest = complete.last else { return [] }
        var kept = Set(complete.suffix(keep))
        if let best = try best()?.step { kept.insert(best) }
        if let held = try held() { kept.insert(held) }
        let doomed = try stepDirectories().filter { $0 < newest && !kept.contains($0) }
        guard !doomed.isEmpty,
            complete.reversed().contains(where: { step in
                kept.contains(step) && (try? open(step: step)) != nil
            })
        else { return [] }
        for step in doomed { try delete(step) }
        return doomed
    }

    private func delete(_ step: Int) throws(CheckpointError) {
        let directory = path(of: step)
        // Without its manifest the rest is no checkpoint, whatever happens next.
        let names = try entries(of: directory)
        for name in names.filter({ $0 == Manifest.fileName })
            + names.filter({ $0 != Manifest.fileName })
        {
            try remove(directory + "/" + name)
        }
        try remove(directory)
    }

    private func remove(_ path: String) throws(CheckpointError) {
        do throws(SystemError) { try fileSystem.remove(path) } catch {
            throw .system(error.code, path, "cannot be removed")
        }
    }
}
