import Checkpoints
import Networks
import Tensors

/// A safetensors file that networks take their values from.
///
/// A tensor is looked up under its group (`primary/features.0.0.weight`, as in checkpoints), then,
/// for the primary and the ancillary model, under its bare name (`features.0.0.weight`, torchvision's).
struct WeightsFile {
    /// What happens to tensors that a file of weights does not hold.
    enum Demand {
        /// Every tensor must be there.
        case complete
        /// The backbone must be there; parts of the head that are missing altogether or belong to
        /// another number of classes keep the values drawn from the seed.
        case backbone
    }

    let path: String
    private let file: SafetensorsFile

    init(path: String) throws {
        self.path = path
        file = try SafetensorsFile(path: path)
    }

    /// Whether the file has tensors under the group's own name.
    func holds(_ group: TensorGroup) -> Bool {
        file.tensors.contains { $0.name.hasPrefix(group.rawValue + "/") }
    }

    /// Copies what the file holds of a group into `target`, its flat buffer.
    ///
    /// Returns the names of the tensors that kept their values. Throws `CheckpointError` or
    /// `TrainingError.weights` for a tensor that is missing or has a wrong shape.
    func load(
        _ group: TensorList.Group, into target: UnsafeMutableBufferPointer<Float>, demand: Demand
    ) throws -> [String] {
        var skipped: [String] = []
        for (tensor, offset) in zip(group.tensors, group.offsets) {
            guard let found = find(tensor, group.group) else {
                guard demand == .backbone, isOptional(tensor, group) else {
                    throw missing(tensor, group.group)
                }
                skipped.append(tensor.name)
                continue
            }
            if found.shape != tensor.shape, demand == .backbone, tensor.dependsOnClasses {
                skipped.append(tensor.name)
                continue
            }
            _ = try file.require(found.name, .float32, tensor.shape)
            try file.read(
                found.name,
                into: UnsafeMutableBufferPointer(rebasing: target[offset..<offset + tensor.count]))
        }
        return skipped
    }

    private func find(
        _ tensor: ParameterDeclaration, _ group: TensorGroup
    ) -> SafetensorsFile.Tensor? {
        if let own = file.tensor(named: TensorList.qualifiedName(group, tensor)) { return own }
        return group == .corrector || holds(group) ? nil : file.tensor(named: tensor.name)
    }

    /// A part of the head may be missing if it is missing altogether; `part` is what its names begin with.
    private func isOptional(_ tensor: ParameterDeclaration, _ group: TensorList.Group) -> Bool {
        guard !tensor.name.hasPrefix(Backbone.namePrefix) else { return false }
        let part = tensor.name.prefix { $0 != "." }
        return !group.tensors.contains {
            $0.name.prefix { $0 != "." } == part && find($0, group.group) != nil
        }
    }

    private func missing(_ tensor: ParameterDeclaration, _ group: TensorGroup) -> TrainingError {
        .weights(
            "\(path): holds neither \"\(TensorList.qualifiedName(group, tensor))\" nor "
                + "\"\(tensor.name)\" of shape \(tensor.shape): choose a file of this network, or "
                + "set network.backbone and its widths to what the file holds")
    }
}

extension ParameterDeclaration {
    /// Whether the tensor's shape follows the number of classes: a file of another data set has
    /// another one, which does not make it wrong.
    var dependsOnClasses: Bool {
        ["classifier.", "gate_high.weight", "gate_low.weight", "hidden.weight", "output."]
            .contains { name.hasPrefix($0) }
    }
}
