import CKernels
import Tensors
import Testing
import TestSupport

@Suite struct PlanTests {
    private func run(
        _ network: SmallNetwork, mode: Plan.Mode = .training, threads: Int = 1,
        kernels: UnsafePointer<ck_table> = ck_kernels(), products: ProductEngine = .native,
        memory: Plan.Memory = .sharedByLifetime, passes: Int = 1
    ) -> PlanRun {
        let plan = Plan(
            network.graph, outputs: [network.logits, network.features], mode: mode,
            pool: ThreadPool(threadCount: threads, kernels: kernels),
            inputGradients: mode == .training ? [network.image, network.boxes] : [],
            products: products, memory: memory)
        var result: PlanRun!
        for _ in 0..<passes {
            result = PlanRun(
                plan, inputs: network.inputs, weights: network.weights,
                statistics: network.statistics, outputGradients: network.outputGradients)
        }
        return result
    }

    @Test(
        arguments: [Plan.Mode.training, .evaluation], [ProductEngine.native, .openBLAS])
    func `threads never change a bit`(mode: Plan.Mode, products: ProductEngine) {
        let network = SmallNetwork(batch: 3)
        let one = run(network, mode: mode, products: products)
        for threads in [2, 3] {
            let other = run(network, mode: mode, threads: threads, products: products)
            #expect(other.bits == one.bits)
        }
    }

    @Test(arguments: [Plan.Mode.training, .evaluation], BFloat16Order.allCases)
    func `threads never change a bit of bfloat16`(mode: Plan.Mode, order: BFloat16Order) {
        let network = SmallNetwork(batch: 3)
        func bits(_ threads: Int) -> [[UInt32]] {
            run(
                network, mode: mode, threads: threads, kernels: ck_twin_table(),
                products: .nativeBFloat16(order)
            ).bits
        }
        let one = bits(1)
        #expect(bits(2) == one && bits(3) == one)
        #expect(run(network, mode: mode).bits != one, "operands are rounded")
    }

    @Test(
        .enabled(
            if: ck_bfloat16_beside(ck_kernels()) != nil,
            "this processor lacks AVX-512 BF16: not compared"), arguments: roundingOrders)
    func `bfloat16 has the bits of its twin`(order: BFloat16Order) {
        let network = SmallNetwork(batch: 3)
        let native = run(network, products: .nativeBFloat16(order))
        let twin = run(network, kernels: ck_twin_table(), products: .nativeBFloat16(order))
        #expect(native.bits == twin.bits)
    }

    @Test(arguments: InstructionSet.present)
    func `the level of the kernels never changes a bit`(level: InstructionSet) throws {
        let network = SmallNetwork()
        let generic = run(network, kernels: try InstructionSet.generic.kernels())
        #expect(run(network, kernels: try level.kernels()).bits == generic.bits)
    }

    @Test(arguments: [Plan.Mode.training, .evaluation])
    func `no value is read after its life in the arena`(mode: Plan.Mode) {
        let network = SmallNetwork()
        let unshared = run(network, mode: mode, memory: .unshared)
        let areFinite = unshared.outputs.allSatisfy { $0.allSatisfy(\.isFinite) }
        #expect(areFinite)
        #expect(run(network, mode: mode, memory: .sharedByLifetime).bits == unshared.bits)
        #expect(run(network, mode: mode, memory: .poisoned, passes: 2).bits == unshared.bits)
    }

    @Test func `a plan gives the same bits at each step`() {
        let network = SmallNetwork()
        #expect(run(network, passes: 3).bits == run(network).bits)
    }

    @Test func `a whole network agrees with its twin`() {
        let network = SmallNetwork()
        let float = run(network, threads: 2)
        let twin = GraphTwin(
            network.graph, weights: network.weights, statistics: network.statistics, dropoutKey: 7)
        let inputs = network.inputs.map { ($0, $1.map(Double.init)) }
        let values = twin.forward(Dictionary(uniqueKeysWithValues: inputs))
        let gradients = twin.backward(
            values,
            [
                network.logits: network.outputGradients[0].map(Double.init),
                network.features: network.outputGradients[1].map(Double.init),
            ])
        expectClose(float.outputs[0], values[network.logits.index], 1e-5, "logits")
        expectClose(float.outputs[1], values[network.features.index], 1e-5, "features")
        expectClose(float.weights, gradients.weights, 1e-4, "weights")
        expectClose(float.statistics, gradients.batchStatistics, 1e-5, "statistics")
        expectClose(float.inputs[0], gradients.of(network.image), 1e-4, "image")
        expectClose(float.inputs[1], gradients.of(network.boxes), 1e-4, "boxes")
    }

    /// The root mean square of the difference, relative to that of the reference.
    private func expectClose(
        _ float: [Float], _ double: [Double], _ tolerance: Double, _ what: String
    ) {
        var error = 0.0, size = 0.0
        for (x, y) in zip(float, double) {
            error += (Double(x) - y) * (Double(x) - y)
            size += y * y
        }
        let relative = (error / size).squareRoot()
        #expect(relative <= tolerance, "\(what) is off by \(relative)")
    }

    @Test func `sharing memory by lifetime saves most of an evaluation's`() {
        let network = SmallNetwork()
        func bytes(_ mode: Plan.Mode, _ memory: Plan.Memory) -> Int {
            Plan(
                network.graph, outputs: [network.logits], mode: mode,
                pool: ThreadPool(threadCount: 1), memory: memory
            ).arenaByteCount
        }
        #expect(bytes(.evaluation, .sharedByLifetime) * 2 < bytes(.evaluation, .unshared))
        #expect(bytes(.training, .sharedByLifetime) < bytes(.training, .unshared))
        #expect(bytes(.evaluation, .sharedByLifetime) < bytes(.training, .sharedByLifetime))
    }

    @Test func `an arena's size is known without allocating it`() {
        let network = SmallNetwork()
        for mode in [Plan.Mode.training, .evaluation] {
            let gradients = mode == .training ? [network.image] : []
            let plan = Plan(
                network.graph, outputs: [network.logits], mode: mode,
                pool: ThreadPool(threadCount: 1), inputGradients: gradients)
            let bytes = Plan.arenaByteCount(
                network.graph, outputs: [network.logits], mode: mode, inputGradients: gradients)
            #expect(bytes == plan.arenaByteCount)
        }
    }

    @Test func `a layer that sees one value keeps its statistics`() {
        var graph = Graph()
        let x = graph.input("x", shape(1, 1, 1, 2)), y = graph.norm(x, .none)
        #expect(graph.statistics.map(\.updates) == [.never, .never])
        let plan = Plan(
            graph, outputs: [y], mode: .training, pool: ThreadPool(threadCount: 1),
            inputGradients: [x])
        let run = PlanRun(
            plan, inputs: [(x, [3, 5])], weights: [1, 1, 0, 0], statistics: [1, 1, 4, 16],
            outputGradients: [[1, 1]])
        #expect(run.statistics == [1, 1, 4, 16])
        #expect(abs(run.outputs[0][0] - 1) < 1e-3 && abs(run.outputs[0][1] - 1) < 1e-3)
        #expect(abs(run.inputs[0][0] - 0.5) < 1e-3 && abs(run.inputs[0][1] - 0.25) < 1e-3)
    }

    @Test func `weights that no output needs get gradient 0 and their statistics stay`() {
        var graph = Graph()
        let x = graph.input("x", shape(2, 2, 2, 1))
        let y = graph.convolve(x, to: 1)
        _ = graph.norm(x, .relu)
        let plan = Plan(
            graph, outputs: [y], mode: .training, pool: ThreadPool(threadCount: 1),
            inputGradients: [x])
        let run = PlanRun(
            plan, inputs: [(x, Array(repeating: 1, count: 8))], weights: [2, 3, 4],
            statistics: [5, 6], outputGradients: [Array(repeating: 1, count: 8)])
        #expect(run.weights == [8, 0, 0])
        #expect(run.statistics == [5, 6])
    }

    @Test func `dropout depends on its key alone`() {
        let network = SmallNetwork()
        let plan = Plan(
            network.graph, outputs: [network.logits], mode: .training,
            pool: ThreadPool(threadCount: 1))
        func logits(key: UInt64) -> [Float] {
            for (value, elements) in network.inputs {
                _ = plan.input(value).update(fromContentsOf: elements)
            }
            plan.forward(
                weights: network.weights, statistics: network.statistics, dropoutKey: key)
            return Array(plan.output(network.logits))
        }
        let first = logits(key: 1)
        #expect(logits(key: 2) != first)
        #expect(logits(key: 1) == first)
    }

    @Test func `products are counted for the whole batch`() {
        var graph = Graph()
        let x = graph.input("x", shape(2, 5, 5, 3))
        let y = graph.convolve(x, to: 4, size: 3, stride: 2)
        _ = graph.depthwise(y)
        #expect(graph.multiplyAccumulateCount == 2 * 9 * (4 * 3 * 9) + 2 * 9 * 4 * 9)
    }
}
