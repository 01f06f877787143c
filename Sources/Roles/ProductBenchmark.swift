import Configurations
import Tensors
import Training

/// Times the matrix products of 1×1 convolutions, forward and backward, with every engine of this
/// machine in turn.
public struct ProductBenchmark {
    /// A 1×1 convolution: positions of all images, channels in and out.
    public struct Layer: Sendable {
        /// Positions of all images.
        public let rows: Int
        /// Channels that it reads.
        public let inputs: Int
        /// Channels that it writes.
        public let outputs: Int
    }

    /// What one engine makes of one layer.
    public struct Result: Encodable {
        /// Positions of all images.
        public var rows: Int
        /// Channels that the layer reads.
        public var inputs: Int
        /// Channels that the layer writes.
        public var outputs: Int
        /// What multiplied.
        public var gemm: String
        /// What the operands were rounded to.
        public var precision: String
        /// 10⁹ operations per second of y = x · wᵀ, packing included.
        public var forwardGigaflops: Double
        /// Likewise of dx = dy · w and dw = dyᵀ · x together.
        public var backwardGigaflops: Double

        enum CodingKeys: String, CodingKey {
            case rows, inputs, outputs, gemm, precision
            case forwardGigaflops = "forward_gflops"
            case backwardGigaflops = "backward_gflops"
        }
    }

    /// Layers of MobileNetV2 at batch 4 and of Xception-65 at batch 2, 321², from thin to wide.
    public static let layers: [Layer] = [
        (103_684, 32, 16), (103_684, 16, 96), (26_244, 96, 24), (26_244, 24, 144),
        (6_724, 144, 32), (6_724, 32, 192), (1_764, 384, 64), (1_764, 64, 384), (1_764, 576, 96),
        (1_764, 960, 160), (1_764, 960, 320), (1_764, 1280, 256), (26_244, 304, 256),
        (51_842, 128, 128), (13_122, 256, 256), (882, 728, 728), (882, 1024, 1536),
        (882, 1536, 1536), (882, 1536, 2048),
    ].map { Layer(rows: $0.0, inputs: $0.1, outputs: $0.2) }

    private let pool: ThreadPool
    /// Those whose products this machine has.
    private let configurations: [Configuration]

    /// Takes the threads and kernels to measure.
    public init(threads: Int, instructionSet: InstructionSet) throws {
        try OpenBLAS.prepare()
        let kernels = try instructionSet.kernels()
        pool = ThreadPool(threadCount: threads, kernels: kernels)
        var found: [Configuration] = []
        for precision in Configuration.Precision.allCases {
            var native = Configuration()
            native.engine.gemm = .native
            native.precision = precision
            do {
                try ProductEngine(training: native).prepare(kernels)
                found.append(native)
            } catch is MissingBFloat16 {
                // Another machine's.
            }
        }
        var library = Configuration()
        library.engine.gemm = .openblas
        configurations = found + [library]
    }

    /// The best of `repetitions` runs, the engines in turn.
    public func run(_ layer: Layer, repetitions: Int) -> [Result] {
        let runs = configurations.map { LayerRun(layer, $0, pool) }
        for _ in 0..<repetitions { runs.forEach { $0.repeatOnce() } }
        return runs.map(\.result)
    }
}

/// One layer compiled for one engine, and the shortest times that it has taken.
private final class LayerRun {
    private let layer: ProductBenchmark.Layer
    private let configuration: Configuration
    private let plan: Plan
    private let output: Value
    private let weights: [Float]
    private var gradients: [Float]
    private var forwardSeconds = Double.infinity
    private var backwardSeconds = Double.infinity

    init(
        _ layer: ProductBenchmark.Layer, _ configuration: Configuration, _ pool: ThreadPool
    ) {
        self.layer = layer
        self.configuration = configuration
        var graph = Graph()
        let x = graph.input(
            "x", Shape(batch: 1, height: layer.rows, width: 1, channels: layer.inputs))
        let weight = graph.parameter(
            ParameterDeclaration(name: "w", shape: [layer.outputs, layer.inputs, 1, 1]))
        output = graph.convolution(x, weight: weight)
        plan = Plan(
            graph, outputs: [output], mode: .training, pool: pool, inputGradients: [x],
            products: ProductEngine(training: configuration))
        weights = (0..<graph.weightCount).map { Float($0 % 13) / 8 - 0.75 }
        gradients = [Float](repeating: 0, count: graph.weightCount)
        let input = plan.input(x)
        for index in input.indices { input[index] = Float(index % 17) / 8 - 1 }
    }

    func repeatOnce() {
        let clock = ContinuousClock()
        let statistics: [Float] = [0]
        var batchStatistics: Float = 0
        let forward = clock.measure { plan.forward(weights: weights, statistics: statistics) }
        let dy = plan.outputGradient(output)
        for index in dy.indices { dy[index] = Float(index % 7) / 4 - 0.75 }
        let backward = clock.measure {
            plan.backward(
                weights: weights, statistics: statistics, gradients: &gradients,
                batchStatistics: &batchStatistics)
        }
        forwardSeconds = min(forwardSeconds, forward / .seconds(1))
        backwardSeconds = min(backwardSeconds, backward / .seconds(1))
    }

    var result: ProductBenchmark.Result {
        let operations = 2e-9 * Double(layer.rows * layer.inputs * layer.outputs)
        return ProductBenchmark.Result(
            rows: layer.rows, inputs: layer.inputs, outputs: layer.outputs,
            gemm: configuration.engine.gemm.rawValue,
            precision: configuration.precision.rawValue,
            forwardGigaflops: operations / forwardSeconds,
            backwardGigaflops: 2 * operations / backwardSeconds)
    }
}
