import Checkpoints
import Configurations
import Foundation
import Tensors
import Testing
import Training

@Suite("The values a run begins with")
struct InitialParametersTests {
    private func list(_ c: Configuration, classes: Int = 3) throws -> TensorList {
        try TensorList(c, classCount: classes)
    }

    /// Writes groups' tensors, all elements `value`, except those that `keep` refuses.
    private func write(
        _ tensors: TensorList, _ groups: [TensorGroup], value: Float, to path: String,
        named: (TensorGroup, String) -> String = { $1 }, shape: ([Int]) -> [Int] = { $0 },
        keep: (String) -> Bool = { _ in true }
    ) throws {
        let largest = groups.map { tensors[$0].elementCount }.max()!
        let values = [Float](repeating: value, count: 2 * largest)
        try values.withUnsafeBytes { bytes in
            let entries = groups.flatMap { group in
                tensors[group].tensors.filter { keep($0.name) }.map { tensor in
                    let shape = shape(tensor.shape)
                    return SafetensorsWriter.Tensor(
                        named(group, tensor.name), .float32, shape: shape,
                        bytes: UnsafeRawBufferPointer(
                            rebasing: bytes[..<(4 * shape.reduce(1, *))]))
                }
            }
            try SafetensorsWriter(entries).write(to: path)
        }
    }

    private func withFile(_ body: (String) throws -> Void) throws {
        let folder = try Places.temporaryFolder()
        defer { Places.remove(folder) }
        try body(folder.appending(path: "weights.safetensors").path)
    }

    private func message(_ body: () throws -> InitialParameters) -> String {
        do {
            _ = try body()
            return "nothing was thrown"
        } catch { return "\(error)" }
    }

    @Test("are a function of the seed")
    func seed() throws {
        var c = TinyRun.configuration(.convolutional)
        let tensors = try list(c)
        let first = try InitialParameters(c, tensors), again = try InitialParameters(c, tensors)
        c.seed += 1
        let other = try InitialParameters(c, tensors)
        for group in TensorGroup.allCases {
            #expect(Array(first.buffers[group]) == Array(again.buffers[group]))
        }
        #expect(Array(first.buffers[.primary]) != Array(other.buffers[.primary]))
        let count = min(first.buffers[.primary].count, first.buffers[.ancillary].count)
        #expect(
            Array(first.buffers[.primary].prefix(count))
                != Array(first.buffers[.ancillary].prefix(count)))
        #expect(first.notes.isEmpty)
    }

    @Test(
        "take a backbone with torchvision's or timm's names and draw the head, saying so",
        arguments: [
            (Configuration.Network.Backbone.tiny, ["features."]),
            (.xception65, ["stem.", "blocks."]),
        ])
    func backbone(network: Configuration.Network.Backbone, prefixes: [String]) throws {
        func isBackbone(_ name: String) -> Bool { prefixes.contains { name.hasPrefix($0) } }
        try withFile { path in
            var c = TinyRun.configuration(.linear)
            c.network.backbone = network
            c.network.depthMultiplier = 0.03125
            let tensors = try list(c)
            try write(
                tensors, [.primary, .primaryStatistics], value: 0.5, to: path,
                keep: isBackbone)
            let drawn = try InitialParameters(c, tensors).buffers
            c.network.weights = path
            let loaded = try InitialParameters(c, tensors)
            for group in [TensorGroup.primary, .ancillary] {
                for (tensor, offset) in zip(tensors[group].tensors, tensors[group].offsets) {
                    let range = offset..<offset + tensor.count
                    if isBackbone(tensor.name) {
                        #expect(loaded.buffers[group][range].allSatisfy { $0 == 0.5 })
                    } else {
                        #expect(
                            Array(loaded.buffers[group][range]) == Array(drawn[group][range]))
                    }
                }
            }
            #expect(loaded.notes.count == 4)
            #expect(loaded.notes[0].contains(path))
            #expect(loaded.notes[0].contains("drawn from the seed"))
        }
    }

    @Test("keep a classifier of their own where the file's has other classes")
    func otherClasses() throws {
        try withFile { path in
            var c = TinyRun.configuration(.supervised)
            try write(
                list(c, classes: 5), [.primary, .primaryStatistics], value: 0.5, to: path)
            c.network.weights = path
            let tensors = try list(c)
            let loaded = try InitialParameters(c, tensors)
            #expect(loaded.notes[0].contains("2 drawn from the seed (classifier.weight"))
            #expect(loaded.buffers[.primary].first == 0.5)
            #expect(loaded.buffers[.primary].last == 0)
        }
    }

    @Test("refuse a file without a tensor of the backbone, naming both")
    func missing() throws {
        try withFile { path in
            var c = TinyRun.configuration(.supervised)
            let tensors = try list(c), victim = "features.2.conv.1.0.weight"
            #expect(tensors[.primary].tensors.contains { $0.name == victim })
            try write(
                tensors, [.primary, .primaryStatistics], value: 0.5, to: path,
                keep: { $0 != victim })
            c.network.weights = path
            let text = message { try InitialParameters(c, tensors) }
            #expect(text.contains(path) && text.contains(victim), "\(text)")
        }
    }

    @Test("refuse a head of which only a part is there")
    func partialHead() throws {
        try withFile { path in
            var c = TinyRun.configuration(.supervised)
            let tensors = try list(c), victim = "aspp.project.0.weight"
            try write(
                tensors, [.primary, .primaryStatistics], value: 0.5, to: path,
                keep: { $0 != victim })
            c.network.weights = path
            #expect(message { try InitialParameters(c, tensors) }.contains(victim))
        }
    }

    @Test("refuse a wrong shape, naming the tensor and both shapes")
    func wrongShape() throws {
        try withFile { path in
            var c = TinyRun.configuration(.supervised)
            let tensors = try list(c)
            try write(
                tensors, [.primary, .primaryStatistics], value: 0.5, to: path,
                shape: { $0 == [16, 3, 3, 3] ? [16, 3, 1, 3] : $0 })
            c.network.weights = path
            let text = message { try InitialParameters(c, tensors) }
            #expect(
                text.contains("features.0.0.weight") && text.contains("[16, 3, 3, 3]")
                    && text.contains("[16, 3, 1, 3]"), "\(text)")
        }
    }

    @Test("take each group from its own names, and a given ancillary model whole")
    func groups() throws {
        try withFile { path in
            var c = TinyRun.configuration(.convolutional)
            let all = try list(c)
            try write(
                all, [.ancillary, .ancillaryStatistics, .corrector], value: 0.75, to: path,
                named: { "\($0.rawValue)/\($1)" })
            c.ancillary.weights = path
            let tensors = try list(c)
            let loaded = try InitialParameters(c, tensors).buffers
            #expect(loaded[.ancillary].allSatisfy { $0 == 0.75 })
            #expect(loaded[.ancillaryStatistics].allSatisfy { $0 == 0.75 })
            #expect(!loaded[.corrector].allSatisfy { $0 == 0.75 })
            c.ancillary.weights = nil
            c.network.weights = path
            let text = message { try InitialParameters(c, all) }
            #expect(text.contains("features.0.0.weight"), "the primary is not in the file: \(text)")
        }
    }

    @Test("keep every tap of given weights, also where no gradient reaches it")
    func givenTaps() throws {
        try withFile { path in
            var c = TinyRun.configuration(.supervised)
            let tensors = try list(c)
            #expect(
                tensors[.primary].tensors.contains {
                    if case .centreTap = $0.initialiser { true } else { false }
                })
            try write(tensors, [.primary, .primaryStatistics], value: 0.5, to: path)
            c.network.weights = path
            let loaded = try InitialParameters(c, tensors).buffers
            #expect(loaded[.primary].allSatisfy { $0 == 0.5 })
        }
    }

    @Test("refuse a file that is not there")
    func absent() throws {
        var c = TinyRun.configuration(.supervised)
        c.network.weights = "/nonexistent/weights.safetensors"
        let tensors = try list(c)
        #expect(message { try InitialParameters(c, tensors) }.contains("/nonexistent/weights"))
    }

    @Test(
        "take the ImageNet weights that come with the data",
        .enabled(if: Places.exists(Places.shared), "no ../shared beside the package"))
    func imageNet() throws {
        var c = Configuration()
        c.method = .linear
        c.network.weights =
            Places.shared.appending(
                path: "data/mobilenet_v2_imagenet.safetensors"
            ).path
        let tensors = try list(c, classes: 12)
        let loaded = try InitialParameters(c, tensors)
        let file = try SafetensorsFile(path: c.network.weights!)
        let position = try #require(
            tensors[.ancillary].tensors.firstIndex { $0.name == "features.17.conv.2.weight" })
        let offset = tensors[.ancillary].offsets[position]
        let tensor = tensors[.ancillary].tensors[position]
        #expect(
            Array(loaded.buffers[.ancillary][offset..<offset + tensor.count])
                == (try file.floats(tensor.name)))
    }
}
