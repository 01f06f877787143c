import Checkpoints
import Configurations
import Foundation
import Hashes
import Networks
import Tensors
import Training
import TrainingProtocol

/// The checkpoints of a run, in the terms of the protocol.
struct RunCheckpoints: Sendable {
    var directory: CheckpointDirectory
    let plan: RunPlan
    let description: RunDescription

    init(run: String, runID: RunID, plan: RunPlan, description: RunDescription) {
        directory = CheckpointDirectory(run: run, runID: runID.description)
        self.plan = plan
        self.description = description
    }

    /// Draws or reads the initial values and writes them as checkpoint 0 (docs/decisions/0003).
    ///
    /// Returns a sentence on each file that values were taken from. Throws `CheckpointError` or
    /// `TrainingError`.
    func writeInitial() throws -> (reference: CheckpointReference, notes: [String]) {
        let tensors = try TensorList(
            description.configuration, classCount: description.classNames.count)
        let initial = try InitialParameters(description.configuration, tensors)
        let planes = tensors.groups.flatMap { group in
            zip(group.tensors, group.offsets).map { tensor, offset in
                Shard.Plane(
                    TensorSlice(
                        TensorEntry(
                            group: group.group.rawValue, name: tensor.name, shape: tensor.shape)),
                    .values,
                    UnsafeBufferPointer(
                        rebasing: initial.buffers[group.group][offset..<offset + tensor.count]))
            }
        }
        let record = try directory.write(
            Shard(server: 0, serverCount: 1, planes: planes, scalars: [:]), step: 0)
        withExtendedLifetime(initial) {}
        let manifest = try writeManifest(
            version: .initial, numericsClass: nil, shards: [record])
        return (try reference(step: manifest.step), initial.notes)
    }

    /// Completes the checkpoint of a version whose shards are durable.
    func writeManifest(
        version: Version, numericsClass: TrainingProtocol.NumericsClass?, shards: [ShardRecord]
    ) throws -> Manifest {
        let step = Int(version.index)
        let position = plan.position(of: version)
        let facts = CheckpointDirectory.Facts(
            step: step, phase: position.phase.name, stepInPhase: position.stepInPhase,
            configuration: description.text,
            configurationSHA256: description.hash.description,
            numericsClass: numericsClass?.name ?? "")
        return try directory.writeManifest(facts, tensors: plan.tensorEntries, shards: shards)
    }

    /// The newest checkpoint that can be gone back to.
    ///
    /// Throws `CheckpointError` where none verifies.
    func newestVerified() throws -> CheckpointReference {
        let (checkpoint, skipped) = try directory.newestVerified()
        guard let checkpoint else {
            throw skipped.first
                ?? CheckpointError(.missing, file: directory.path, "holds no checkpoint")
        }
        return try reference(step: checkpoint.manifest.step)
    }

    /// The reference of a checkpoint that is on disk.
    func reference(step: Int) throws -> CheckpointReference {
        let file = directory.path(of: step) + "/manifest.json"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let name = "checkpoints/" + (directory.path(of: step) as NSString).lastPathComponent
        return CheckpointReference(
            version: Version(UInt64(step)), manifest: name + "/manifest.json",
            hash: ContentHash(SHA256.bytes(of: bytes)))
    }
}

extension RunPlan {
    /// Where in its phases a version lies: the phase of the step that made it, 0 steps into the first
    /// one for the initial version.
    func position(of version: Version) -> (phase: Phase, stepInPhase: Int) {
        guard version.index > 0 else { return (phases[0], 0) }
        let phase = phase(of: Step(version.index - 1))
        return (phase, Int(version.index - phase.firstStep.index))
    }
}

/// A run's final parameters as one safetensors file, under the names `group/tensor`.
public enum ModelFile {
    /// Of the file in the run's directory.
    public static let name = "model.safetensors"

    /// Writes the parameters of a checkpoint beside the run's checkpoints.
    public static func write(_ checkpoint: Checkpoint, run: String) throws {
        var values: [[Float]] = []
        for tensor in checkpoint.manifest.tensors { values.append(try checkpoint.floats(tensor)) }
        let pointers = values.map { list in
            let copy = UnsafeMutableBufferPointer<Float>.allocate(capacity: list.count)
            _ = copy.initialize(from: list)
            return copy
        }
        defer { pointers.forEach { $0.deallocate() } }
        let tensors = zip(checkpoint.manifest.tensors, pointers).map { tensor, pointer in
            SafetensorsWriter.Tensor(
                "\(tensor.group)/\(tensor.name)", .float32, shape: tensor.shape,
                bytes: UnsafeRawBufferPointer(pointer))
        }
        _ = try SafetensorsWriter(
            tensors,
            metadata: [
                "format": "pt", "step": String(checkpoint.manifest.step),
                "parameters_sha256": checkpoint.manifest.parametersSHA256,
            ]
        ).write(to: run + "/" + name)
    }
}
