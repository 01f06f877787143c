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

    @Test(
        "MobileNetV2 equals PyTorch at output stride 16 and 8",
        arguments: [
            ("backbone-mobilenetv2-os16", OutputStride.sixteen, 2, 65, 49),
            ("backbone-mobilenetv2-os8", .eight, 1, 49, 33),
        ])
    func backbone(
        file: String, outputStride: OutputStride, batch: Int, height: Int, width: Int
    ) throws {
        var layers = LayerBuilder(epsilon: 1e-3)
        let image = layers.graph.input(
            "image", Shape(batch: batch, height: height, width: width, channels: 3))
        let features = Backbone.mobilenetv2(depthMultiplier: 0.0625).architecture.build(
            image, outputStride: outputStride, in: &layers)
        let run = GoldenRun(
            layers.graph, outputs: ["low": features.lowLevel, "high": features.high],
            mode: .training)
        run.fillInput(image, named: "image")
        try run.expectEqual(toGolden: file)
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
