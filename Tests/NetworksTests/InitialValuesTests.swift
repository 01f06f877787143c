import Networks
import Tensors
import Testing

@Suite struct InitialValuesTests {
    private func values(
        _ initialiser: Initialiser, shape: [Int] = [64, 32, 3, 3], seed: UInt64 = 7,
        name: String = "primary.x"
    ) -> [Float] {
        InitialValues.values(
            of: ParameterDeclaration(name: "x", shape: shape, initialiser: initialiser),
            seed: seed, tensorName: name)
    }

    private func moments(_ values: [Float]) -> (mean: Double, deviation: Double) {
        let count = Double(values.count)
        let mean = values.reduce(0) { $0 + Double($1) } / count
        let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        return (mean, variance.squareRoot())
    }

    @Test("Values depend on seed and tensor name, and on nothing else")
    func pure() {
        let initialiser = Initialiser.truncatedNormal(deviation: 0.09)
        #expect(values(initialiser) == values(initialiser))
        #expect(values(initialiser) != values(initialiser, seed: 8))
        #expect(values(initialiser) != values(initialiser, name: "ancillary.x"))
        // An element's value does not depend on how many follow it.
        #expect(values(initialiser, shape: [4, 4, 1, 1]) == Array(values(initialiser)[..<16]))
    }

    @Test("A truncated normal stays within two deviations and has 0.8796 of the deviation")
    func truncatedNormal() {
        let values = values(.truncatedNormal(deviation: 0.09))
        let (mean, deviation) = moments(values)
        #expect(values.allSatisfy { abs($0) <= 0.18 })
        #expect(values.contains { abs($0) > 0.17 })
        #expect(abs(mean) < 0.002 && abs(deviation / 0.09 - 0.8796) < 0.01)
    }

    @Test("Xavier's uniform reaches ±√(6 / (fan in + fan out))")
    func xavierUniform() {
        let values = values(.xavierUniform)
        let limit = (6 / Double(32 * 9 + 64 * 9)).squareRoot()
        let (mean, deviation) = moments(values)
        #expect(values.allSatisfy { abs(Double($0)) <= limit })
        #expect(values.contains { Double($0) > 0.99 * limit })
        #expect(values.contains { Double($0) < -0.99 * limit })
        #expect(abs(mean) < 0.002 && abs(deviation - limit / 3.0.squareRoot()) < 0.001)
    }

    @Test("He's normal has deviation √(2 / fan in)")
    func heNormal() {
        let values = values(.heNormal)
        let expected = (2 / Double(32 * 9)).squareRoot()
        let (mean, deviation) = moments(values)
        #expect(abs(mean) < 0.002 && abs(deviation / expected - 1) < 0.02)
        #expect(values.contains { abs(Double($0)) > 2.5 * expected })
    }

    @Test(
        "The bits are the same on every processor",
        arguments: [
            (Initialiser.truncatedNormal(deviation: 0.09), UInt64(0xce96_5e59_b684_7b64)),
            (.xavierUniform, 0x5d60_6615_0ddd_f75c), (.heNormal, 0xcd95_d85d_2103_0a92),
        ])
    func pinned(initialiser: Initialiser, expected: UInt64) {
        let bits = values(initialiser).reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01b3
        }
        #expect(bits == expected)
    }

    @Test("Oracle O6: an untrained network's logits are nearly uniform")
    func nearlyUniform() {
        let shape = NetworkShape(classes: 21, backbone: .tiny)
        let network = DeepLab.primary(shape, batch: 2, height: 33, width: 49)
        let plan = Plan(
            network.graph, outputs: [network.logits], mode: .training,
            pool: ThreadPool(threadCount: 1))
        let images = GoldenValues.signed("image", count: plan.input(network.image).count)
        _ = plan.input(network.image).update(fromContentsOf: images)
        func initial(_ declarations: [ParameterDeclaration]) -> [Float] {
            declarations.flatMap {
                InitialValues.values(of: $0, seed: 1, tensorName: "primary.\($0.name)")
            }
        }
        plan.forward(
            weights: initial(network.graph.weights), statistics: initial(network.graph.statistics),
            dropoutKey: 3)
        let logits = plan.output(network.logits)
        #expect(logits.allSatisfy { abs($0) < 1 } && logits.contains { abs($0) > 0.01 })
    }

    @Test("Constants fill")
    func constants() {
        #expect(values(.zeros, shape: [3]) == [0, 0, 0])
        #expect(values(.constant(1.5), shape: [3]) == [1.5, 1.5, 1.5])
    }
}
