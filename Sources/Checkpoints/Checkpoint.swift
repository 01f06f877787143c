/// A checkpoint opened for reading: any range of any tensor, however many servers wrote it.
public final class Checkpoint: Sendable {
    /// What the checkpoint says of itself.
    public let manifest: Manifest
    /// Optimizer state that is one number for a whole group.
    public let scalars: [String: Double]
    let directory: String
    let layout: ShardLayout

    /// Opens a checkpoint's manifest and the headers of its shards, and checks that they fit.
    ///
    /// Each tensor's values are covered once without gaps, each optimizer slot wholly or not at
    /// all. The content is not read: see `init(verifying:)`.
    /// - Throws: `CheckpointError` naming the file and tensor.
    public convenience init(directory: String) throws(CheckpointError) {
        try self.init(
            manifest: Manifest(file: directory + "/" + Manifest.fileName), directory: directory)
    }

    init(manifest: Manifest, directory: String) throws(CheckpointError) {
        self.manifest = manifest
        self.directory = directory
        var shards: [SafetensorsFile] = []
        var scalars: [String: Double]?
        for record in manifest.shards {
            let shard = try Self.open(record, of: manifest, in: directory)
            let own = try Self.scalars(of: shard)
            guard scalars == nil || scalars == own else {
                throw CheckpointError(
                    .corrupt, file: shard.path,
                    "optimizer scalars differ from those of the other servers")
            }
            scalars = own
            shards.append(shard)
        }
        self.scalars = scalars ?? [:]
        layout = try ShardLayout(
            shards, tensors: manifest.tensors, file: directory + "/" + Manifest.fileName)
    }

    /// The planes that a tensor has, sorted: `values` and its optimizer slots.
    public func planes(of tensor: TensorEntry) -> [PlaneName] { layout.planes(of: tensor) }

    /// Fills `target` with elements of a tensor's plane, from `firstElement` on.
    /// - Throws: `CheckpointError` where the plane is not there or a file cannot be read.
    public func read(
        _ tensor: TensorEntry, _ plane: PlaneName = .values, from firstElement: Int = 0,
        into target: UnsafeMutableBufferPointer<Float>
    ) throws(CheckpointError) {
        let end = firstElement + target.count
        precondition(
            firstElement >= 0 && end <= tensor.elementCount,
            "elements \(firstElement)..<\(end) of \(tensor)")
        guard let pieces = layout.pieces(of: tensor, plane) else {
            throw CheckpointError(
                .corrupt, file: directory, tensor: "\(tensor.group)/\(tensor.name)",
                "has no plane \(plane.rawValue)")
        }
        for piece in pieces where piece.offset < end && piece.offset + piece.count > firstElement {
            let low = max(piece.offset, firstElement)
            let high = min(piece.offset + piece.count, end)
            try layout.shards[piece.shard].read(
                piece.key, from: low - piece.offset,
                into: UnsafeMutableBufferPointer(
                    rebasing: target[low - firstElement..<high - firstElement]))
        }
    }

    /// All elements of a tensor's plane.
    public func floats(
        _ tensor: TensorEntry, _ plane: PlaneName = .values
    ) throws(CheckpointError) -> [Float] {
        var values = [Float](repeating: 0, count: tensor.elementCount)
        var failure: CheckpointError?
        values.withUnsafeMutableBufferPointer { target in
            do throws(CheckpointError) { try read(tensor, plane, into: target) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }

    private static func open(
        _ record: ShardRecord, of manifest: Manifest, in directory: String
    ) throws(CheckpointError) -> SafetensorsFile {
        let shard = try SafetensorsFile(path: directory + "/" + record.fileName)
        guard shard.file.byteCount == record.byteCount else {
            throw CheckpointError(
                .corrupt, file: shard.path,
                "expected \(record.byteCount) bytes, found \(shard.file.byteCount)")
        }
        let expected = [
            "format": CheckpointDirectory.shardFormat, "run": manifest.runID,
            "step": String(manifest.step),
        ]
        for key in ["format", "run", "step"] where shard.metadata[key] != expected[key] {
            throw CheckpointError(
                .corrupt, file: shard.path,
                "expected \(key) \(expected[key]!), found \(shard.metadata[key] ?? "none")")
        }
        return shard
    }

    private static func scalars(
        of shard: SafetensorsFile
    ) throws(CheckpointError) -> [String: Double] {
        var scalars: [String: Double] = [:]
        for (key, text) in shard.metadata where key.hasPrefix("scalar:") {
            guard let value = Double(text), value.isFinite else {
                throw CheckpointError(
                    .corrupt, file: shard.path, "\(key): expected a finite number, found \(text)")
            }
            scalars[String(key.dropFirst("scalar:".count))] = value
        }
        return scalars
    }
}
