import Networks
import Tensors
import Testing

/// Parameter counts, products and map sizes of the reference implementation.
@Suite struct NetworkSizeTests {
    private func primary(
        _ backbone: Backbone = .mobilenetv2(), classes: Int = 21, height: Int = 321,
        width: Int = 321, _ outputStride: OutputStride = .sixteen
    ) -> NetworkGraph {
        var shape = NetworkShape(classes: classes, backbone: backbone)
        shape.outputStride = outputStride
        return DeepLab.primary(shape, batch: 1, height: height, width: width)
    }

    private func backbone(_ multiplier: Double, size: Int, _ outputStride: OutputStride) -> (
        graph: Graph, features: BackboneFeatures
    ) {
        var layers = LayerBuilder(epsilon: 1e-3)
        let image = layers.graph.input(
            "image", Shape(batch: 1, height: size, width: size, channels: 3))
        let features = Backbone.mobilenetv2(depthMultiplier: multiplier).architecture.build(
            image, outputStride: outputStride, in: &layers)
        return (layers.graph, features)
    }

    @Test(
        "MobileNetV2 with pyramid and decoder has the reference's parameters",
        arguments: [(21, 2_725_573), (12, 2_723_260)])
    func primaryCount(classes: Int, count: Int) {
        #expect(primary(classes: classes).graph.weightCount == count)
    }

    @Test(
        "The MobileNetV2 backbone has the reference's parameters",
        arguments: [(1.0, 1_811_712), (0.5, 477_088)])
    func backboneCount(multiplier: Double, count: Int) {
        #expect(backbone(multiplier, size: 33, .sixteen).graph.weightCount == count)
    }

    @Test(
        "Xception-65 with pyramid and decoder has the reference's parameters",
        arguments: [(21, 41_055_413), (19, 41_054_899), (12, 41_053_100)])
    func xceptionCount(classes: Int, count: Int) {
        #expect(primary(.xception65(), classes: classes).graph.weightCount == count)
    }

    @Test("Xception-65's backbone, statistics and decayed weights have the reference's sizes")
    func xceptionParts() {
        let graph = primary(.xception65()).graph
        func count(_ declarations: [ParameterDeclaration]) -> Int {
            declarations.reduce(0) { $0 + $1.count }
        }
        #expect(count(graph.weights.filter(Backbone.owns)) == 37_867_312)
        #expect(count(graph.weights.filter { $0.decay == .applied }) == 40_394_528)
        #expect(count(graph.weights.filter { $0.shape.count == 1 }) == 202_800 + 21)
        #expect(graph.statisticCount == 202_800)
    }

    @Test(
        "Products of Xception-65 per image agree with the reference",
        arguments: [
            // The sum of the reference's layers; its total of 54.03 is without image pooling.
            (21, 513, 513, OutputStride.sixteen, 54.0353e9), (21, 513, 513, .eight, 176.85e9),
            (21, 321, 321, .sixteen, 21.77e9), (21, 321, 321, .eight, 70.33e9),
            (19, 1025, 2049, .sixteen, 418.38e9), (19, 769, 769, .sixteen, 119.48e9),
            (12, 241, 321, .sixteen, 16.54e9), (12, 361, 481, .sixteen, 35.44e9),
        ])
    func xceptionProducts(
        classes: Int, height: Int, width: Int, outputStride: OutputStride, count: Double
    ) {
        let graph = primary(
            .xception65(), classes: classes, height: height, width: width, outputStride
        ).graph
        let difference = Double(graph.multiplyAccumulateCount) - count
        #expect(abs(difference) < 0.005e9, "\(graph.multiplyAccumulateCount)")
    }

    @Test(
        "The tensors do not depend on output stride, batch or image size",
        arguments: [Backbone.mobilenetv2(), .xception65()])
    func sameTensors(backbone: Backbone) {
        // How unreachable taps begin depends on the size, and which statistics move on the batch.
        func layout(_ declarations: [ParameterDeclaration]) -> [ParameterDeclaration] {
            declarations.map {
                ParameterDeclaration(
                    name: $0.name, shape: $0.shape, role: $0.role, decay: $0.decay, kind: $0.kind)
            }
        }
        let a = primary(backbone).graph
        let b = primary(backbone, height: 65, width: 97, .eight).graph
        let shape = NetworkShape(classes: 21, backbone: backbone)
        let c = DeepLab.primary(shape, batch: 4, height: 33, width: 33).graph
        for other in [b, c] {
            #expect(layout(a.weights) == layout(other.weights))
            #expect(layout(a.statistics) == layout(other.statistics))
        }
    }

    @Test(
        "Products per image agree with the reference",
        arguments: [
            (21, 513, 513, 5.90e9, 0.005), (21, 321, 321, 2.354e9, 0.0005),
            (12, 241, 321, 1.77e9, 0.005),
        ])
    func products(classes: Int, height: Int, width: Int, count: Double, accuracy: Double) {
        let graph = primary(classes: classes, height: height, width: width).graph
        let difference = Double(graph.multiplyAccumulateCount) - count
        #expect(abs(difference) <= accuracy * 1e9, "\(graph.multiplyAccumulateCount)")
    }

    @Test(
        "The box encoder adds two 3×3 convolutions with bias",
        arguments: [(Backbone.mobilenetv2(), 2_725_573, 144), (.xception65(), 41_055_413, 256)])
    func gates(backbone: Backbone, primary: Int, low: Int) {
        let shape = NetworkShape(classes: 21, backbone: backbone)
        let ancillary = DeepLab.ancillary(shape, batch: 1, height: 33, width: 33).graph
        #expect(ancillary.weightCount - primary == 48_640 + 21 * 9 * low + low)
        let gates = ancillary.weights.filter { $0.name.hasPrefix("gate_high") }
        #expect(gates.reduce(0) { $0 + $1.count } == 48_640)
        #expect(gates.map(\.shape) == [[256, 21, 3, 3], [256]])
    }

    @Test(
        "The corrector has the reference's parameters",
        arguments: [
            (21, 72_725), (19, 65_811), (12, 41_612), (11, 38_155),
        ])
    func corrector(classes: Int, count: Int) {
        let shape = NetworkShape(classes: classes, backbone: .mobilenetv2())
        let graph = Corrector.graph(shape, batch: 1, height: 9, width: 9).graph
        #expect(graph.weightCount == count)
    }

    @Test("The corrector takes 1.21 billion products on a 129² map of 21 classes")
    func correctorProducts() {
        let shape = NetworkShape(classes: 21, backbone: .mobilenetv2())
        let graph = Corrector.graph(shape, batch: 1, height: 129, width: 129).graph
        #expect(abs(Double(graph.multiplyAccumulateCount) - 1.21e9) < 0.005e9)
    }

    @Test(
        "Oracle O10: feature maps at strides 16, 8 and 4",
        arguments: [
            (513, 33, 65, 129), (321, 21, 41, 81), (241, 16, 31, 61), (361, 23, 46, 91),
            (481, 31, 61, 121), (769, 49, 97, 193),
        ])
    func oracleO10(size: Int, sixteen: Int, eight: Int, four: Int) {
        for (outputStride, high) in [(OutputStride.sixteen, sixteen), (.eight, eight)] {
            let (graph, features) = backbone(1, size: size, outputStride)
            let highShape = Shape(batch: 1, height: high, width: high, channels: 320)
            let lowShape = Shape(batch: 1, height: four, width: four, channels: 144)
            #expect(graph.shape(of: features.high) == highShape)
            #expect(graph.shape(of: features.lowLevel) == lowShape)
            let network = primary(height: size, width: size, outputStride)
            #expect(network.graph.shape(of: network.logits) == lowShape.with(channels: 21))
        }
    }

    @Test("The tiny backbone reaches output stride 16 with at most 48 channels")
    func tiny() {
        var layers = LayerBuilder(epsilon: 1e-3)
        let image = layers.graph.input(
            "image", Shape(batch: 2, height: 65, width: 97, channels: 3))
        let features = Backbone.tiny.architecture.build(
            image, outputStride: .sixteen, in: &layers)
        #expect(
            layers.graph.shape(of: features.high)
                == Shape(batch: 2, height: 5, width: 7, channels: 48))
        let low = layers.graph.shape(of: features.lowLevel)
        #expect(low.height == 17 && low.width == 25)
    }
}
