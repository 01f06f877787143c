import Checkpoints
import Datasets

/// Batches read from a safetensors recording instead of drawn from a data set (`data.recording`),
/// so that another implementation's run can be repeated step by step.
///
/// Tensors per step t, counted from the start of its phase: `main/t/images` f32
/// `[batch, height, width, 3]` in [−1, 1], `main/t/labels` u8 `[labelled, height, width]` where 255
/// is ignored, `main/t/valid` u8 `[batch, height, width]` and, where boxes are needed, `main/t/boxes`
/// f32 `[batch, height, width, classes]`. A recording serves runs of one slot per step (V = 1).
public struct RecordedBatches: BatchSource {
    /// Class names in index order.
    public let classNames: [String]
    private let file: SafetensorsFile
    private let phases: [TrainingSchedule.PhaseName]

    /// Opens a recording for a schedule, throwing `CheckpointError` for a file that does not parse.
    public init(path: String, classNames: [String], schedule: TrainingSchedule) throws {
        self.classNames = classNames
        phases = schedule.phases.map(\.name)
        file = try SafetensorsFile(path: path)
    }

    /// The class names that a recording's metadata holds under `class_names`, separated by spaces.
    ///
    /// Throws `TrainingError.recording` where they are missing.
    public static func classNames(path: String) throws -> [String] {
        let file = try SafetensorsFile(path: path)
        let names = file.metadata["class_names"]?.split(separator: " ").map(String.init) ?? []
        guard !names.isEmpty else {
            throw TrainingError.recording(
                "\(path): its metadata has no class_names: record it anew with a converter that "
                    + "writes them")
        }
        return names
    }

    /// The batch of a step; throws `CheckpointError` or `TrainingError.recording`.
    public func batch(_ request: BatchRequest) throws -> SlotBatch {
        guard request.slotCount == 1 else {
            throw TrainingError.recording(
                "\(file.path): a recording serves one slot per step, not \(request.slotCount): "
                    + "set slots.count to 1")
        }
        let prefix = "\(phases[request.phaseIndex].rawValue)/\(request.stepInPhase)"
        guard file.tensor(named: "\(prefix)/images") != nil else {
            throw TrainingError.recording(
                "\(file.path): holds no step \(request.stepInPhase) of phase "
                    + "\(phases[request.phaseIndex].rawValue): shorten phases."
                    + "\(phases[request.phaseIndex].rawValue).steps")
        }
        let grid = [request.crop.height, request.crop.width]
        let labels = try file.bytes("\(prefix)/labels", shape: [request.labelled] + grid)
        if let wrong = labels.first(where: { $0 != 255 && $0 >= classNames.count }) {
            throw TrainingError.recording(
                "\(file.path): \(prefix)/labels holds \(wrong), which is none of the "
                    + "\(classNames.count) classes")
        }
        return SlotBatch(
            images: try file.floats("\(prefix)/images", shape: [request.batch] + grid + [3]),
            labels: labels,
            boxes: request.boxes == .unused
                ? []
                : try file.floats(
                    "\(prefix)/boxes", shape: [request.batch] + grid + [classNames.count]),
            valid: try file.bytes("\(prefix)/valid", shape: [request.batch] + grid),
            count: request.batch, labelledCount: request.labelled,
            names: (0..<request.batch).map { "\(prefix)[\($0)]" })
    }
}
