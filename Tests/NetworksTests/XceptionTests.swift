import Foundation
import Networks
import Tensors
import Testing

/// Xception-65's layers, one by one.
@Suite struct XceptionTests {
    private func backbone(_ outputStride: OutputStride, size: Int = 33) -> (
        graph: Graph, features: BackboneFeatures
    ) {
        var layers = LayerBuilder(epsilon: 1e-3)
        let image = layers.graph.input(
            "image", Shape(batch: 1, height: size, width: size, channels: 3))
        let features = Backbone.xception65().architecture.build(
            image, outputStride: outputStride, in: &layers)
        return (layers.graph, features)
    }

    /// `stride/dilation` of each convolution by the name of its weight.
    private func windows(_ graph: Graph) -> [String: String] {
        var windows: [String: String] = [:]
        for node in graph.nodes {
            switch node.operation {
            case .convolution(let weight, _, let window), .depthwise(let weight, let window):
                let name = graph.declaration(of: weight).name
                windows[name] = "\(window.stride)/\(window.dilation)"
            default: break
            }
        }
        return windows
    }

    @Test(
        "Strides and rates are the reference's; a module's stride sits on its third convolution",
        arguments: [
            (
                OutputStride.sixteen,
                ["2/1", "2/1", "2/1"] + [String](repeating: "1/1", count: 17) + ["1/2"]
            ),
            (.eight, ["2/1", "2/1", "1/1"] + [String](repeating: "1/2", count: 17) + ["1/4"]),
        ])
    func atrous(outputStride: OutputStride, modules: [String]) {
        let windows = windows(backbone(outputStride).graph)
        #expect(windows["stem.0.conv.weight"] == "2/1")
        #expect(windows["stem.1.conv.weight"] == "1/1")
        for (index, module) in modules.enumerated() {
            let stack = "blocks.\(index).stack", rate = module.split(separator: "/")[1]
            for convolution in 1...2 {
                #expect(windows["\(stack).conv\(convolution).conv_dw.weight"] == "1/\(rate)")
            }
            #expect(windows["\(stack).conv3.conv_dw.weight"] == module)
            if let shortcut = windows["blocks.\(index).shortcut.conv.weight"] {
                #expect(shortcut.first == module.first)
            }
        }
        #expect(windows.keys.filter { $0.contains("shortcut") }.count == 4)
        #expect(windows.count == 2 + 21 * 3 * 2 + 4)
    }

    @Test("All tensors have timm's names and shapes, and none is missing")
    func timmNames() throws {
        let text = try String(
            contentsOfFile: GoldenValues.directory + "/xception65-timm.txt", encoding: .utf8)
        let graph = backbone(.sixteen).graph
        let ours = (graph.weights + graph.statistics).map { declaration in
            "\(declaration.name) \(declaration.shape.map(String.init).joined(separator: ","))"
        }
        #expect(ours.sorted() == text.split(separator: "\n").map(String.init).sorted())
        #expect((graph.weights + graph.statistics).allSatisfy(Backbone.owns))
    }

    @Test(
        "Oracle O10: the low-level feature has 256 channels at stride 4, the high one 2048",
        arguments: [(513, 33, 65, 129), (321, 21, 41, 81)])
    func maps(size: Int, sixteen: Int, eight: Int, four: Int) {
        for (outputStride, high) in [(OutputStride.sixteen, sixteen), (.eight, eight)] {
            let (graph, features) = backbone(outputStride, size: size)
            #expect(
                graph.shape(of: features.high)
                    == Shape(batch: 1, height: high, width: high, channels: 2048))
            #expect(
                graph.shape(of: features.lowLevel)
                    == Shape(batch: 1, height: four, width: four, channels: 256))
        }
    }

    @Test("The low-level feature is the batch norm of entry block 2's second convolution, bare")
    func lowLevel() {
        let (graph, features) = backbone(.sixteen)
        guard case .batchNorm(let norm) = graph.nodes[features.lowLevel.index].operation else {
            Issue.record("\(graph.nodes[features.lowLevel.index].operation) is no batch norm")
            return
        }
        #expect(graph.declaration(of: norm.gamma).name == "blocks.1.stack.conv2.bn_pw.weight")
        #expect(norm.activation == .none)
    }

    @Test("Skips read what no ReLU has seen")
    func skips() {
        let graph = backbone(.sixteen).graph
        let activated = Set(
            graph.nodes.indices.filter {
                switch graph.nodes[$0].operation {
                case .batchNorm(let norm): norm.activation != .none
                case .activation: true
                default: false
                }
            })
        // The first module's input is the root's, which ends with a ReLU.
        let sums = graph.nodes.filter { $0.operation == .add }
        #expect(sums.count == 3 + 16 + 1)
        for sum in sums {
            #expect(!sum.inputs.contains { activated.contains($0.index) })
        }
        let shortcuts = graph.nodes.filter {
            guard case .convolution(let weight, _, _) = $0.operation else { return false }
            return graph.declaration(of: weight).name.contains("shortcut")
        }
        #expect(
            shortcuts.map { activated.contains($0.inputs[0].index) } == [true, false, false, false])
    }
}
