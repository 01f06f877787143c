import Checkpoints
import Glibc
import Networks
import Tensors

/// Where networks take their values from: a safetensors file, a checkpoint or a run's newest one.
///
/// In a file a tensor is looked up under its group (`primary/features.0.0.weight`), then, for the
/// primary and the ancillary model, under its bare name (`features.0.0.weight`, torchvision's;
/// `stem.0.conv.weight`, timm's).
public struct WeightsSource {
    /// What happens to tensors that the source does not hold.
    public enum Demand: Sendable {
        /// Every tensor must be there.
        case complete
        /// The backbone must be there; parts of the head that are missing altogether or belong to
        /// another number of classes keep the values they have.
        case backbone
    }

    private enum Content {
        case file(SafetensorsFile)
        case checkpoint(Checkpoint)
    }

    /// What was opened; for a run, the directory of its newest checkpoint.
    public let path: String
    private let content: Content
    /// Shapes by the names that the source itself uses.
    private let shapes: [String: [Int]]

    /// Opens a safetensors file, a checkpoint's directory or a run's.
    ///
    /// Of a run the newest checkpoint is opened; checkpoints are verified. Throws `CheckpointError`.
    public init(path: String) throws {
        var information = stat()
        let isDirectory = stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
        guard isDirectory else {
            let file = try SafetensorsFile(path: path)
            self.path = path
            content = .file(file)
            shapes = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.shape) })
            return
        }
        let run = CheckpointDirectory(run: path, runID: "")
        let directory = try run.steps().last.map(run.path(of:)) ?? path
        let checkpoint = try Checkpoint(verifying: directory)
        self.path = directory
        content = .checkpoint(checkpoint)
        shapes = Dictionary(
            uniqueKeysWithValues: checkpoint.manifest.tensors.map {
                ("\($0.group)/\($0.name)", $0.shape)
            })
    }

    /// Whether the source has tensors under the group's own name.
    public func holds(_ group: TensorGroup) -> Bool {
        shapes.keys.contains { $0.hasPrefix(group.rawValue + "/") }
    }

    /// Copies what the source holds of a group into `target`, the group's flat buffer.
    ///
    /// Returns the names of the tensors that kept their values. Throws `CheckpointError` or
    /// `TrainingError.weights` for a tensor that is missing or has a wrong shape.
    public func load(
        _ group: TensorList.Group, into target: UnsafeMutableBufferPointer<Float>, demand: Demand
    ) throws -> [String] {
        var skipped: [String] = []
        for (tensor, offset) in zip(group.tensors, group.offsets) {
            guard let name = find(tensor, group.group), let shape = shapes[name] else {
                guard demand == .backbone, isOptional(tensor, group) else {
                    throw missing(tensor, group.group)
                }
                skipped.append(tensor.name)
                continue
            }
            if shape != tensor.shape, demand == .backbone, tensor.dependsOnClasses {
                skipped.append(tensor.name)
                continue
            }
            try read(
                name, group.group, tensor,
                into: UnsafeMutableBufferPointer(rebasing: target[offset..<offset + tensor.count]))
        }
        return skipped
    }

    /// The name under which the source holds a tensor.
    private func find(_ tensor: ParameterDeclaration, _ group: TensorGroup) -> String? {
        let own = TensorList.qualifiedName(group, tensor)
        if shapes[own] != nil { return own }
        let bareAllowed = group != .corrector && !holds(group)
        return bareAllowed && shapes[tensor.name] != nil ? tensor.name : nil
    }

    private func read(
        _ name: String, _ group: TensorGroup, _ tensor: ParameterDeclaration,
        into target: UnsafeMutableBufferPointer<Float>
    ) throws {
        switch content {
        case .file(let file):
            _ = try file.require(name, .float32, tensor.shape)
            try file.read(name, into: target)
        case .checkpoint(let checkpoint):
            guard shapes[name] == tensor.shape else {
                throw TrainingError.weights(
                    "\(path): \(name) has shape \(shapes[name] ?? []), not \(tensor.shape): its "
                        + "network's widths or classes are others")
            }
            try checkpoint.read(
                TensorEntry(group: group.rawValue, name: tensor.name, shape: tensor.shape),
                into: target)
        }
    }

    /// A part of the head may be missing if it is missing altogether; the names of its tensors are
    /// equal up to the first dot.
    private func isOptional(_ tensor: ParameterDeclaration, _ group: TensorList.Group) -> Bool {
        guard !Backbone.owns(tensor) else { return false }
        let part = tensor.name.prefix { $0 != "." }
        return !group.tensors.contains {
            $0.name.prefix { $0 != "." } == part && find($0, group.group) != nil
        }
    }

    private func missing(_ tensor: ParameterDeclaration, _ group: TensorGroup) -> TrainingError {
        .weights(
            "\(path): holds neither \"\(TensorList.qualifiedName(group, tensor))\" nor "
                + "\"\(tensor.name)\" of shape \(tensor.shape): choose weights of this network, or "
                + "set network.backbone and its widths to theirs")
    }
}

extension ParameterDeclaration {
    /// Whether the tensor's shape follows the number of classes: weights from another data set have
    /// another one, which does not make them wrong.
    var dependsOnClasses: Bool {
        ["classifier.", "gate_high.weight", "gate_low.weight", "hidden.weight", "output."]
            .contains { name.hasPrefix($0) }
    }
}
