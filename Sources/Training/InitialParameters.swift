import Checkpoints
import Configurations
import Networks
import Tensors

/// The values with which a run begins: drawn from its seed, then overwritten by the given weights.
public struct InitialParameters {
    /// All groups of the tensor list.
    public let buffers: FlatBuffers
    /// What was taken from where, and which tensors a source did not provide: one sentence each.
    public let notes: [String]

    /// A pure function of configuration, class count and the files or runs that the configuration
    /// names (`network.weights`, `ancillary.weights`).
    ///
    /// `resolve` turns such a value into the path of a safetensors file, a checkpoint or a run.
    /// Throws `CheckpointError` or `TrainingError.weights`, naming file and tensor.
    public init(
        _ configuration: Configuration, _ tensors: TensorList,
        resolve: (String) throws -> String = { $0 }
    ) throws {
        buffers = FlatBuffers(tensors, groups: tensors.groups.map(\.group))
        for group in tensors.groups { Self.draw(group, configuration.seed, buffers[group.group]) }
        var notes: [String] = []
        if let weights = configuration.network.weights {
            let source = try WeightsSource(path: resolve(weights))
            for group in tensors.groups
            where group.group != .corrector || source.holds(.corrector) {
                let skipped = try source.load(group, into: buffers[group.group], demand: .backbone)
                notes.append(Self.note(source, group, skipped))
            }
        }
        if let weights = configuration.ancillary.weights {
            let source = try WeightsSource(path: resolve(weights))
            for group in [TensorGroup.ancillary, .ancillaryStatistics]
            where tensors.contains(group) {
                _ = try source.load(tensors[group], into: buffers[group], demand: .complete)
                notes.append(Self.note(source, tensors[group], []))
            }
        }
        self.notes = notes
    }

    private static func draw(
        _ group: TensorList.Group, _ seed: UInt64, _ target: UnsafeMutableBufferPointer<Float>
    ) {
        for (tensor, offset) in zip(group.tensors, group.offsets) {
            let values = InitialValues.values(
                of: tensor, seed: seed,
                tensorName: TensorList.qualifiedName(group.group, tensor))
            _ = target[offset..<offset + tensor.count].update(fromContentsOf: values)
        }
    }

    private static func note(
        _ source: WeightsSource, _ group: TensorList.Group, _ skipped: [String]
    ) -> String {
        let taken =
            "\(group.group.rawValue): \(group.tensors.count - skipped.count) of "
            + "\(group.tensors.count) tensors from \(source.path)"
        guard !skipped.isEmpty else { return taken }
        let names = skipped.prefix(3).joined(separator: ", ") + (skipped.count > 3 ? ", …" : "")
        return taken + "; \(skipped.count) drawn from the seed (\(names))"
    }
}
