import Checkpoints
import Foundation
import Hashes

/// A run with three tensors in two groups, whose chunks cut across tensors.
struct SampleRun {
    static let tensors = [
        TensorEntry(group: "primary", name: "conv.weight", shape: [4, 3, 1, 1]),
        TensorEntry(group: "primary", name: "conv.bias", shape: [4]),
        TensorEntry(group: "primaryStatistics", name: "norm.running_mean", shape: [5]),
    ]

    let directory: CheckpointDirectory

    init(_ path: String, fileSystem: any FileSystem = PosixFileSystem()) {
        directory = CheckpointDirectory(run: path, runID: "run-1", fileSystem: fileSystem)
    }

    /// Value of an element: differs with tensor, plane, element and step.
    static func value(_ tensor: Int, _ plane: PlaneName, _ element: Int, step: Int) -> Float {
        Float(step) + Float(tensor) * 0.25 + (plane == .values ? 0 : 0.5) + Float(element) / 64
    }

    static let velocity = PlaneName(rawValue: "velocity")

    /// The slices of a server, when `count` servers share the elements in turn.
    private static func planes(
        server: Int, of count: Int
    ) -> [(tensor: Int, slice: TensorSlice, plane: PlaneName)] {
        var planes: [(Int, TensorSlice, PlaneName)] = []
        for (index, tensor) in tensors.enumerated() {
            let low = tensor.elementCount * server / count
            let high = tensor.elementCount * (server + 1) / count
            guard low < high else { continue }
            let slice = TensorSlice(tensor, offset: low, count: high - low)
            planes.append((index, slice, .values))
            if tensor.group == "primary" { planes.append((index, slice, velocity)) }
        }
        return planes
    }

    func writeShard(
        server: Int, of count: Int, step: Int
    ) throws(CheckpointError) -> ShardRecord {
        var buffers: [UnsafeMutableBufferPointer<Float>] = []
        defer { for buffer in buffers { buffer.deallocate() } }
        var planes: [Shard.Plane] = []
        for (tensor, slice, plane) in Self.planes(server: server, of: count) {
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: slice.count)
            buffers.append(buffer)
            for index in 0..<slice.count {
                buffer.initializeElement(
                    at: index,
                    to: Self.value(tensor, plane, slice.offset + index, step: step))
            }
            planes.append(.init(slice, plane, UnsafeBufferPointer(buffer)))
        }
        return try directory.write(
            Shard(
                server: server, serverCount: count, planes: planes,
                scalars: ["primary.beta1Product": 0.1 * Double(step), "primary.updates": 3]),
            step: step)
    }

    @discardableResult
    func writeCheckpoint(step: Int, servers: Int = 2) throws(CheckpointError) -> Manifest {
        var records: [ShardRecord] = []
        for server in 0..<servers {
            records.append(try writeShard(server: server, of: servers, step: step))
        }
        return try directory.writeManifest(
            .init(
                step: step, phase: "main", stepInPhase: step, configuration: "{\"seed\":1}",
                configurationSHA256: "c0ffee", numericsClass: "openblas-test",
                details: ["shardTerm": "1"]),
            tensors: Self.tensors, shards: records)
    }
}
