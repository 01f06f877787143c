import Checkpoints
import Networks
import Tensors
import Testing

/// Every output, gradient and batch statistic against PyTorch in float64 (`Golden/make_golden.py`).
@Suite struct GoldenTests {
    private static var narrow: NetworkShape {
        var shape = NetworkShape(classes: 5, backbone: .mobilenetv2(depthMultiplier: 0.125))
        shape.asppChannels = 12
        shape.lowLevelChannels = 6
        shape.decoderChannels = 12
        shape.dropoutKeep = 1
        shape.corrector.channels = 12
        return shape
    }

    private static var tiny: NetworkShape {
        var shape = narrow
        shape.backbone = .tiny
        return shape
    }

    struct BackboneCase: Sendable, CustomStringConvertible {
        let backbone: Backbone
        let name: String
        let outputStride: OutputStride
        let batch, height, width: Int
        var description: String { "backbone-\(name)-os\(outputStride.rawValue)" }
    }

    private static let mobilenetv2 = Backbone.mobilenetv2(depthMultiplier: 0.0625)
    private static let xception65 = Backbone.xception65(depthMultiplier: 0.03125)

    @Test(
        "Backbones equal PyTorch at output stride 16 and 8",
        arguments: [
            BackboneCase(
                backbone: mobilenetv2, name: "mobilenetv2", outputStride: .sixteen, batch: 2,
                height: 65, width: 49),
            BackboneCase(
                backbone: mobilenetv2, name: "mobilenetv2", outputStride: .eight, batch: 1,
                height: 49, width: 33),
            BackboneCase(
                backbone: xception65, name: "xception65", outputStride: .sixteen, batch: 2,
                height: 65, width: 33),
            BackboneCase(
                backbone: xception65, name: "xception65", outputStride: .eight, batch: 1,
                height: 33, width: 65),
        ])
    func backbone(_ c: BackboneCase) throws {
        var layers = LayerBuilder(epsilon: 1e-3)
        let image = layers.graph.input(
            "image", Shape(batch: c.batch, height: c.height, width: c.width, channels: 3))
        let features = c.backbone.architecture.build(
            image, outputStride: c.outputStride, in: &layers)
        let run = GoldenRun(
            layers.graph, outputs: ["low": features.lowLevel, "high": features.high],
            mode: .training)
        run.fillInput(image, named: "image")
        try run.expectEqual(toGolden: "\(c)")
    }

    @Test("The primary network equals PyTorch")
    func primary() throws {
        let network = DeepLab.primary(Self.narrow, batch: 4, height: 33, width: 49)
        try expect(network, .training, "primary-mobilenetv2")
    }

    @Test("A single image normalises its pooled feature with running statistics")
    func singleImage() throws {
        var shape = Self.tiny
        shape.outputStride = .eight
        let network = DeepLab.primary(shape, batch: 1, height: 33, width: 49)
        try expect(network, .training, "primary-single-image")
    }

    @Test("Evaluation mode equals PyTorch's at output stride 8")
    func evaluation() throws {
        var shape = Self.narrow
        shape.outputStride = .eight
        shape.dropoutKeep = 0.5
        let network = DeepLab.primary(shape, batch: 2, height: 65, width: 49)
        try expect(network, .evaluation, "primary-evaluation")
    }

    @Test("The ancillary network equals PyTorch")
    func ancillary() throws {
        let network = DeepLab.ancillary(Self.tiny, batch: 4, height: 33, width: 49)
        try expect(network, .training, "ancillary-tiny")
    }

    @Test("The ancillary network on Xception-65 equals PyTorch in evaluation mode")
    func ancillaryXception() throws {
        var shape = Self.narrow
        shape.backbone = Self.xception65
        let network = DeepLab.ancillary(shape, batch: 2, height: 65, width: 49)
        try expect(network, .evaluation, "ancillary-xception65-evaluation")
    }

    @Test(
        "The corrector equals PyTorch, its gradient for the primary's logits included",
        arguments: [("corrector", Activation.relu), ("corrector-linear", .none)])
    func corrector(file: String, final: Activation) throws {
        var shape = Self.narrow
        shape.corrector.finalActivation = final
        let network = Corrector.graph(shape, batch: 2, height: 9, width: 13)
        let run = GoldenRun(
            network.graph, outputs: ["logits": network.logits], mode: .training,
            inputGradients: ["primary": network.primary])
        run.fillInput(network.primary, named: "primary", scale: 3)
        run.fillInput(network.ancillary, named: "ancillary", scale: 3)
        try run.expectEqual(toGolden: file)
    }

    private func expect(_ network: NetworkGraph, _ mode: Plan.Mode, _ file: String) throws {
        let run = GoldenRun(network.graph, outputs: ["logits": network.logits], mode: mode)
        run.fillInput(network.image, named: "image")
        if let boxes = network.boxes { run.fillBoxes(boxes) }
        try run.expectEqual(toGolden: file)
    }
}
