import Checkpoints
import Foundation
import Networks
import Tensors
import Testing

/// Names and attributes of the tensors.
@Suite struct DeclarationTests {
    static let pretrained: String = {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(root)/../shared/data/mobilenet_v2_imagenet.safetensors"
    }()

    private let ancillary = DeepLab.ancillary(
        NetworkShape(classes: 21, backbone: .mobilenetv2()), batch: 1, height: 33, width: 33)

    // Skipped where the shared data is not beside the package.
    @Test(
        "MobileNetV2's tensors have torchvision's names and shapes",
        .enabled(if: FileManager.default.fileExists(atPath: pretrained)))
    func torchvisionNames() throws {
        let file = try SafetensorsFile(path: Self.pretrained)
        // Layer 19 and the classifier are not part of the segmentation backbone.
        let theirs = file.tensors.filter {
            $0.name.hasPrefix("features.") && !$0.name.hasPrefix("features.18.")
        }
        let ours = (ancillary.graph.weights + ancillary.graph.statistics).filter(Backbone.owns)
        #expect(Set(ours.map(\.name)) == Set(theirs.map(\.name)))
        for declaration in ours {
            #expect(file.tensor(named: declaration.name)?.shape == declaration.shape)
        }
    }

    @Test(
        "Weight decay applies to all convolutions but the depthwise ones, and to nothing else",
        arguments: [Backbone.mobilenetv2(), .xception65()])
    func weightDecay(backbone: Backbone) {
        let ancillary = DeepLab.ancillary(
            NetworkShape(classes: 21, backbone: backbone), batch: 1, height: 33, width: 33)
        for declaration in ancillary.graph.weights {
            let isDense = declaration.shape.count == 4 && declaration.shape[1] > 1
            #expect((declaration.decay == .applied) == isDense, "\(declaration.name)")
        }
        #expect(ancillary.graph.statistics.allSatisfy { $0.decay == .exempt })
        let corrector = Corrector.graph(
            NetworkShape(classes: 5, backbone: .tiny), batch: 1, height: 3, width: 3)
        #expect(corrector.graph.weights.map(\.decay) == [.applied, .exempt, .applied, .exempt])
    }

    @Test("Only the classifier's and the corrector's biases are biases to the learning rate")
    func biases() {
        let biases = ancillary.graph.weights.filter { $0.kind == .bias }.map(\.name)
        #expect(biases == ["classifier.bias"])
        let corrector = Corrector.graph(
            NetworkShape(classes: 5, backbone: .tiny), batch: 1, height: 3, width: 3)
        let names = corrector.graph.weights.filter { $0.kind == .bias }.map(\.name)
        #expect(names == ["hidden.bias", "output.bias"])
    }

    @Test("A single image never updates the statistics of image pooling, several do")
    func frozenStatistics() {
        let frozen = ancillary.graph.statistics.filter { $0.updates == .never }.map(\.name)
        #expect(frozen == ["aspp.pool.1.running_mean", "aspp.pool.1.running_var"])
        let shape = NetworkShape(classes: 5, backbone: .tiny)
        let pair = DeepLab.primary(shape, batch: 2, height: 33, width: 33)
        #expect(pair.graph.statistics.allSatisfy { $0.updates == .movingAverage })
    }

    @Test(
        "Moving-average decays belong to backbone and head",
        arguments: [(Backbone.mobilenetv2(), 0.997), (.xception65(), 0.9997)])
    func decays(backbone: Backbone, standard: Double) {
        var shape = NetworkShape(classes: 21, backbone: backbone)
        #expect(shape.backboneDecay == standard)
        shape.backboneDecay = 0.5
        let head = ["aspp", "decoder"]
        for statistic in DeepLab.primary(shape, batch: 2, height: 33, width: 33).graph.statistics {
            let isHead = head.contains { statistic.name.hasPrefix($0) }
            #expect(shape.movingAverageDecay(of: statistic) == (isHead ? 0.9997 : 0.5))
        }
    }

    @Test("All of Xception-65's convolutions begin with the reference's truncated normal")
    func xceptionInitialisers() {
        let shape = NetworkShape(classes: 21, backbone: .xception65())
        let graph = DeepLab.primary(shape, batch: 1, height: 33, width: 33).graph
        let convolutions = graph.weights.filter { Backbone.owns($0) && $0.shape.count == 4 }
        #expect(convolutions.count == 2 + 21 * 6 + 4)
        for convolution in convolutions {
            #expect(convolution.initialiser == .truncatedNormal(deviation: 0.09))
        }
    }

    @Test("The parts declare the initial values of the reference")
    func initialisers() {
        // On 321 pixels the pyramid reaches all its taps.
        let ancillary = DeepLab.ancillary(
            NetworkShape(classes: 21, backbone: .mobilenetv2()), batch: 1, height: 321, width: 321)
        let initialisers = Dictionary(
            uniqueKeysWithValues: ancillary.graph.weights.map { ($0.name, $0.initialiser) })
        let expected: [(String, Initialiser)] = [
            ("features.0.0.weight", .truncatedNormal(deviation: 0.09)),
            ("features.3.conv.1.0.weight", .truncatedNormal(deviation: 0.09)),
            ("features.0.1.weight", .constant(1)), ("features.0.1.bias", .zeros),
            ("aspp.pool.0.weight", .xavierUniform), ("aspp.convs.0.0.weight", .xavierUniform),
            ("aspp.convs.1.0.0.weight", .truncatedNormal(deviation: 0.33)),
            ("aspp.convs.1.1.0.weight", .truncatedNormal(deviation: 0.06)),
            ("aspp.project.0.weight", .xavierUniform), ("decoder.low.0.weight", .xavierUniform),
            ("decoder.convs.0.0.0.weight", .truncatedNormal(deviation: 0.33)),
            ("decoder.convs.1.1.0.weight", .truncatedNormal(deviation: 0.06)),
            ("classifier.weight", .truncatedNormal(deviation: 0.01)),
            ("classifier.bias", .constant(0)),
            ("gate_high.weight", .truncatedNormal(deviation: 0.01)),
            ("gate_low.bias", .constant(0)),
        ]
        for (name, initialiser) in expected {
            #expect(initialisers[name] == initialiser, "\(name)")
        }
        let corrector = Corrector.graph(
            NetworkShape(classes: 5, backbone: .tiny), batch: 1, height: 3, width: 3)
        #expect(
            corrector.graph.weights.map(\.initialiser)
                == [.heNormal, .constant(0), .heNormal, .constant(1)])
    }
}
