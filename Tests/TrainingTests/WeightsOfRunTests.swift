import Checkpoints
import Configurations
import Foundation
import Tensors
import Testing
import Training

@Suite("Weights of an earlier run")
struct WeightsOfRunTests {
    /// Writes the parameters of all groups as a checkpoint of a run.
    private func write(
        _ parameters: FlatBuffers, _ tensors: TensorList, run: URL, step: Int
    ) throws {
        let directory = CheckpointDirectory(run: run.path, runID: "test")
        let planes = tensors.groups.flatMap { group in
            zip(group.tensors, group.offsets).map { tensor, offset in
                Shard.Plane(
                    TensorSlice(
                        TensorEntry(
                            group: group.group.rawValue, name: tensor.name, shape: tensor.shape)),
                    .values,
                    UnsafeBufferPointer(
                        rebasing: parameters[group.group][offset..<offset + tensor.count]))
            }
        }
        let record = try directory.write(
            Shard(server: 0, serverCount: 1, planes: planes, scalars: [:]), step: step)
        _ = try directory.writeManifest(
            CheckpointDirectory.Facts(
                step: step, phase: "main", stepInPhase: step, configuration: "{}",
                configurationSHA256: "", numericsClass: "test"),
            tensors: tensors.groups.flatMap { group in
                group.tensors.map {
                    TensorEntry(group: group.group.rawValue, name: $0.name, shape: $0.shape)
                }
            }, shards: [record])
    }

    private func withRun(_ body: (URL, TensorList, FlatBuffers) throws -> Void) throws {
        let folder = try Places.temporaryFolder()
        defer { Places.remove(folder) }
        let configuration = TinyRun.configuration(.linear)
        let tensors = try TensorList(configuration, classCount: 3)
        let parameters = try InitialParameters(configuration, tensors).buffers
        try write(parameters, tensors, run: folder, step: 0)
        for group in tensors.groups {
            for index in parameters[group.group].indices { parameters[group.group][index] += 1 }
        }
        try write(parameters, tensors, run: folder, step: 40)
        try body(folder, tensors, parameters)
    }

    @Test("The newest checkpoint of a run gives the frozen ancillary model and the primary")
    func newest() throws {
        try withRun { run, tensors, parameters in
            var configuration = TinyRun.configuration(.linear)
            configuration.seed += 1
            configuration.ancillary.weights = run.path
            configuration.network.weights = run.path
            let loaded = try InitialParameters(configuration, tensors)
            for group in tensors.groups.map(\.group) {
                #expect(Array(loaded.buffers[group]) == Array(parameters[group]), "\(group)")
            }
            #expect(loaded.notes.allSatisfy { $0.contains("000000000040") })
        }
    }

    @Test("A checkpoint may be named itself")
    func named() throws {
        try withRun { run, tensors, parameters in
            let path = CheckpointDirectory(run: run.path, runID: "test").path(of: 0)
            let buffers = FlatBuffers(tensors, groups: [.primary])
            let skipped = try WeightsSource(path: path).load(
                tensors[.primary], into: buffers[.primary], demand: .complete)
            #expect(skipped.isEmpty)
            #expect(buffers[.primary][3] + 1 == parameters[.primary][3])
        }
    }

    @Test("A flipped bit is refused, naming the file")
    func damaged() throws {
        try withRun { run, _, _ in
            let path = CheckpointDirectory(run: run.path, runID: "test").path(of: 40)
            let shard = try #require(
                FileManager.default.contentsOfDirectory(atPath: path)
                    .first { $0.hasSuffix(".safetensors") })
            let file = URL(filePath: path).appending(path: shard)
            var bytes = try Data(contentsOf: file)
            bytes[bytes.count - 9] ^= 0x10
            try bytes.write(to: file)
            do {
                _ = try WeightsSource(path: run.path)
                Issue.record("nothing was thrown")
            } catch { #expect("\(error)".contains(shard), "\(error)") }
        }
    }

    @Test("A run of other widths is refused, naming the tensor and both shapes")
    func otherWidths() throws {
        try withRun { run, _, _ in
            var configuration = TinyRun.configuration(.linear)
            configuration.network.decoderChannels = 24
            configuration.network.weights = run.path
            let tensors = try TensorList(configuration, classCount: 3)
            do {
                _ = try InitialParameters(configuration, tensors)
                Issue.record("nothing was thrown")
            } catch {
                for word in ["decoder.convs.0.1.0.weight", "[16, 24, 1, 1]", "[24, 24, 1, 1]"] {
                    #expect("\(error)".contains(word), "\(error)")
                }
            }
        }
    }
}
