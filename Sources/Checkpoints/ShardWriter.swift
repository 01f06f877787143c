import Hashes

/// What one server contributes to a checkpoint: slices of tensors with their optimizer slots, and
/// the scalars of its optimizer.
public struct Shard {
    /// Float32 values of one plane of a slice; the caller keeps them alive and unchanged.
    public struct Plane {
        /// The elements that `values` holds.
        public var slice: TensorSlice
        /// What `values` are: the tensor's own or those of an optimizer slot.
        public var name: PlaneName
        /// As many as `slice` has elements, in C order.
        public var values: UnsafeBufferPointer<Float>

        /// Traps unless there are as many values as the slice has elements.
        public init(_ slice: TensorSlice, _ name: PlaneName, _ values: UnsafeBufferPointer<Float>) {
            precondition(values.count == slice.count, "\(values.count) values for \(slice)")
            self.slice = slice
            self.name = name
            self.values = values
        }
    }

    /// Position among the servers that write this checkpoint.
    public var server: Int
    /// Number of servers that write this checkpoint, a shard each.
    public var serverCount: Int
    /// The server's part of the tensors; all shards together cover each tensor once.
    public var planes: [Plane]
    /// Optimizer state that is one number for a whole group, as `primary.beta1Product`; equal on
    /// all servers.
    public var scalars: [String: Double]

    /// Traps unless `server` is in `0..<serverCount`.
    public init(
        server: Int, serverCount: Int, planes: [Plane], scalars: [String: Double]
    ) {
        precondition(server >= 0 && server < serverCount, "server \(server) of \(serverCount)")
        self.server = server
        self.serverCount = serverCount
        self.planes = planes
        self.scalars = scalars
    }
}

/// A shard file that is durable; what a server reports and the manifest lists.
public struct ShardRecord: Hashable, Sendable {
    /// File name within the checkpoint's directory.
    public var fileName: String
    /// Length of the file in bytes.
    public var byteCount: Int
    /// SHA-256 of the whole file, in lower-case hexadecimal.
    public var sha256: String

    /// The record of a file of these bytes; nothing is read or checked.
    public init(fileName: String, byteCount: Int, sha256: String) {
        self.fileName = fileName
        self.byteCount = byteCount
        self.sha256 = sha256
    }
}

extension CheckpointDirectory {
    /// Writes a server's shard of the checkpoint at `step`; on return the file is durable.
    ///
    /// The shard is a safetensors file that describes itself: a tensor is named
    /// `group/name/plane@offset`, the metadata holds each one's CRC-32 and the scalars. Runs at a
    /// low priority.
    /// - Throws: `CheckpointError` of kind `inputOutput`; no temporary file is left behind.
    public func write(_ shard: Shard, step: Int) throws(CheckpointError) -> ShardRecord {
        let directory = path(of: step)
        let fileName = "server-\(shard.server)-of-\(shard.serverCount).safetensors"
        return try inBackground(makingWayWhile: makesWay) { pace throws(CheckpointError) in
            let written = try writer(of: shard, step: step, at: pace).write(
                to: directory + "/" + fileName, creating: [run, path, directory], on: fileSystem,
                at: pace)
            return ShardRecord(
                fileName: fileName, byteCount: written.byteCount, sha256: written.sha256)
        }
    }

    private func writer(
        of shard: Shard, step: Int, at pace: BackgroundPace
    ) -> SafetensorsWriter {
        var metadata = ["format": Self.shardFormat, "run": runID, "step": String(step)]
        for (name, value) in shard.scalars {
            precondition(value.isFinite, "scalar \(name) is \(value)")
            metadata["scalar:\(name)"] = value.description
        }
        let tensors = shard.planes.map { plane in
            let key = ShardKey(plane.slice, plane.name).text
            let bytes = UnsafeRawBufferPointer(plane.values)
            metadata["crc32:\(key)"] = hexadecimal(UInt64(crc32(bytes)), digits: 8)
            pace.rest()
            let isWhole = plane.slice.count == plane.slice.tensor.elementCount
            return SafetensorsWriter.Tensor(
                key, .float32, shape: isWhole ? plane.slice.tensor.shape : [plane.slice.count],
                bytes: bytes)
        }
        return SafetensorsWriter(tensors, metadata: metadata)
    }

    static let shardFormat = "emend-shard-1"
}
