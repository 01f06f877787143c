import Checkpoints
import Configurations
import Foundation
import Tensors
import Training

/// A recording of the PyTorch peer and the configuration under which we repeat it.
struct Trajectory: Sendable, CustomStringConvertible {
    /// Name of the recording's folder.
    let name: String
    let method: Configuration.Method
    /// Phases that the peer recorded.
    let phases: [TrainingSchedule.PhaseName]
    /// How far the parameters' change may be from the peer's, as a share of it.
    let tolerance: Double

    var description: String { name }
    var folder: URL { Places.trajectories.appending(path: name) }

    static let all = [
        Trajectory(name: "ancillary", method: .none, phases: [.ancillary], tolerance: 0.03),
        Trajectory(
            name: "ancillary-half", method: .convolutional, phases: [.ancillary], tolerance: 0.03),
        Trajectory(name: "supervised", method: .supervised, phases: [.main], tolerance: 0.03),
        Trajectory(name: "none", method: .none, phases: [.main], tolerance: 0.03),
        Trajectory(name: "linear", method: .linear, phases: [.main], tolerance: 0.03),
        Trajectory(name: "em-fixed", method: .emFixed, phases: [.main], tolerance: 0.03),
        Trajectory(
            name: "convolutional", method: .convolutional, phases: [.warmup, .main],
            tolerance: 0.15),
    ]

    /// CamVid's, in its order.
    static let classNames = [
        "background", "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence",
        "car", "pedestrian", "bicyclist",
    ]

    var configuration: Configuration {
        var c = Configuration()
        c.method = method
        c.network.dropoutKeep = 1
        c.network.weights = file("initial")
        c.network.headDecay = 0.997
        if !phases.contains(.ancillary), [.none, .linear, .convolutional].contains(method) {
            c.ancillary.weights = file("initial")
        }
        c.slots.count = 1
        c.slots.batch = 4
        c.phases.ancillary.steps = phases.contains(.ancillary) ? 5 : 0
        c.phases.warmup.steps = phases.contains(.warmup) ? 5 : 0
        c.phases.main.steps = phases.contains(.main) ? 5 : 0
        c.optimizer.learningRate = 0.0005
        c.optimizer.biasLearningRateMultiplier = 1
        c.data.crop = 129
        c.data.recording = file("batches")
        return c
    }

    func file(_ name: String) -> String {
        folder.appending(path: "\(name).safetensors").path
    }

    /// The flat buffer that `prefix` names in the expectations, in our order.
    static func flat(
        _ file: SafetensorsFile, _ prefix: String, _ group: TensorList.Group
    ) throws -> [Float] {
        try group.tensors.flatMap {
            try file.floats(
                prefix + TensorList.qualifiedName(group.group, $0), shape: $0.shape)
        }
    }

    /// ‖(a − start) − (b − start)‖ / ‖b − start‖.
    static func relativeDistance(_ a: [Float], _ b: [Float], from start: [Float]) -> Double {
        var difference = 0.0, change = 0.0
        for i in a.indices {
            difference += (Double(a[i]) - Double(b[i])) * (Double(a[i]) - Double(b[i]))
            change += (Double(b[i]) - Double(start[i])) * (Double(b[i]) - Double(start[i]))
        }
        return (difference / change).squareRoot()
    }
}
