import Checkpoints
import Configurations
import Datasets
import Foundation
import Networks
import Tensors
import Training

/// A checkpoint of a run, opened for evaluation and prediction.
public struct TrainedRun {
    /// Which of a run's checkpoints is meant.
    public enum Choice: Sendable, Equatable {
        case newest
        /// The one with the best validation result.
        case best
        case step(Int)
    }

    /// The verified checkpoint.
    public let checkpoint: Checkpoint
    /// The run's configuration, data set and classes, as the checkpoint holds them.
    public let description: RunDescription
    private let tensors: TensorList

    /// Opens and verifies a checkpoint.
    ///
    /// Throws `CheckpointError` naming the file that is missing or damaged.
    public init(run: RunDirectory, _ choice: Choice = .newest) throws {
        let directory = try run.checkpoints()
        checkpoint = try Self.open(directory, choice)
        description = try RunDescription(text: checkpoint.manifest.configuration)
        tensors = try TensorList(
            description.configuration, classCount: description.classNames.count)
    }

    private static func open(_ directory: CheckpointDirectory, _ choice: Choice) throws
        -> Checkpoint
    {
        switch choice {
        case .step(let step):
            return try directory.open(step: step)
        case .best:
            guard let best = try directory.best() else {
                throw CheckpointError(
                    .missing, file: directory.path,
                    "no best checkpoint is on record; train with evaluate.every above 0")
            }
            return try directory.open(step: best.step)
        case .newest:
            // Never an older one in place of a damaged one: its scores would pass for the run's.
            guard let step = try directory.steps().last else {
                throw CheckpointError(
                    .missing, file: directory.path, "there is no complete checkpoint")
            }
            return try directory.open(step: step)
        }
    }

    /// Whether the run has an ancillary model.
    public var hasAncillary: Bool { tensors.contains(.ancillary) }

    /// The parameters that a model reads.
    public func parameters(of model: SegmentationModel) throws -> FlatBuffers {
        try parameters(model.groups)
    }

    /// The parameters of all groups that the run has.
    public func allParameters() throws -> FlatBuffers {
        try parameters(tensors.groups.map(\.group))
    }

    private func parameters(_ groups: [TensorGroup]) throws -> FlatBuffers {
        let buffers = FlatBuffers(tensors, groups: groups)
        for group in buffers.groups {
            for (tensor, offset) in zip(tensors[group].tensors, tensors[group].offsets) {
                try checkpoint.read(
                    TensorEntry(group: group.rawValue, name: tensor.name, shape: tensor.shape),
                    into: UnsafeMutableBufferPointer(
                        rebasing: buffers[group][offset..<offset + tensor.count]))
            }
        }
        return buffers
    }
}
