import Networks
import Tensors
import Testing

@Suite("Taps that reach nothing but padding")
struct UnreachableTapsTests {
    struct Case: Sendable, CustomStringConvertible {
        let crop: Int
        let stride: OutputStride
        /// Branches of the pyramid whose rate is at least the side of the feature map.
        let degenerate: [Int]
        var description: String { "crop \(crop) at stride \(stride.rawValue)" }
    }

    /// Rates 6, 12, 18 at stride 16 and 12, 24, 36 at stride 8.
    static let cases = [
        Case(crop: 321, stride: .sixteen, degenerate: []),  // 21 × 21
        Case(crop: 289, stride: .sixteen, degenerate: []),  // 19 × 19
        Case(crop: 273, stride: .sixteen, degenerate: [3]),  // 18 × 18
        Case(crop: 257, stride: .sixteen, degenerate: [3]),  // 17 × 17
        Case(crop: 97, stride: .sixteen, degenerate: [2, 3]),  // 7 × 7
        Case(crop: 65, stride: .sixteen, degenerate: [1, 2, 3]),  // 5 × 5
        Case(crop: 257, stride: .eight, degenerate: [3]),  // 33 × 33
    ]

    private func initialisers(
        _ c: Case, _ taps: NetworkShape.UnreachableTaps,
        _ network: (NetworkShape, Int, Int, Int) -> NetworkGraph
    ) -> [String: Initialiser] {
        var shape = NetworkShape(classes: 3, backbone: .tiny)
        shape.outputStride = c.stride
        shape.unreachableTaps = taps
        return Dictionary(
            uniqueKeysWithValues: network(shape, 1, c.crop, c.crop).graph.weights
                .map { ($0.name, $0.initialiser) })
    }

    @Test("begin at 0 in both networks, and no other tensor changes", arguments: cases)
    func declarations(_ c: Case) {
        for network in [DeepLab.primary, DeepLab.ancillary] {
            let drawn = initialisers(c, .drawn, network)
            let degenerate = Set(c.degenerate.map { "aspp.convs.\($0).0.0.weight" })
            for (name, initialiser) in initialisers(c, .zero, network) {
                let expected =
                    degenerate.contains(name) ? Initialiser.centreTap(drawn[name]!) : drawn[name]!
                #expect(initialiser == expected, "\(name)")
            }
        }
    }

    @Test("leave the middle tap as it was drawn")
    func values() {
        func values(_ initialiser: Initialiser) -> [Float] {
            InitialValues.values(
                of: ParameterDeclaration(
                    name: "x", shape: [5, 1, 3, 3], initialiser: initialiser),
                seed: 3, tensorName: "primary/x")
        }
        for initialiser in [Initialiser.fanInUniform, .truncatedNormal(deviation: 0.33)] {
            let whole = values(initialiser), centre = values(.centreTap(initialiser))
            for index in whole.indices {
                #expect(whole[index] != 0)
                #expect(centre[index].bitPattern == (index % 9 == 4 ? whole[index] : 0).bitPattern)
            }
        }
    }
}
