import CKernels
import Configurations
import Foundation
import Networks
import Optimizers
import SelfCorrection
import Tensors
import Training

/// Times training steps of the primary network on random images: forward, loss, backward and the
/// update, without input.
public struct StepBenchmark {
    /// Medians over the steps after one warm-up, in seconds; keys as the PyTorch peer prints them.
    public struct Result: Encodable {
        /// The backbone.
        public var network: String
        /// Threads that compute.
        public var threads: Int
        /// Images of a step.
        public var batch: Int
        /// Side of an image in pixels.
        public var size: Int
        /// Elements of the primary network's weights.
        public var parameters: Int
        /// Vector level of our own kernels.
        public var isa: String
        /// What multiplied matrices.
        public var gemm: String
        /// What the operands of products were rounded to.
        public var precision: String
        /// Forward pass and loss.
        public var forwardSeconds: Double
        /// Backward pass.
        public var backwardSeconds: Double
        /// The whole step.
        public var stepSeconds: Double
        /// Images over the time of a step.
        public var imagesPerSecond: Double
        /// The process's peak memory; nil where the kernel does not say.
        public var peakResidentMebibytes: Double?
        /// 10⁹ operations per second over the whole step: a product of a convolution is two
        /// operations in the forward pass and four in the backward pass.
        public var stepGigaflops: Double
        /// What fused multiply-adds of float32 in registers reach on the same threads, in 10⁹ operations
        /// per second: the better of before and after the steps.
        public var peakGigaflops: Double
        /// The step's share of that peak.
        public var peakShare: Double
        /// Of the last step.
        public var loss: Double

        enum CodingKeys: String, CodingKey {
            case network, threads, batch, size, parameters, isa, gemm, precision, loss
            case forwardSeconds = "forward_s"
            case backwardSeconds = "backward_s"
            case stepSeconds = "step_s"
            case imagesPerSecond = "images_per_s"
            case peakResidentMebibytes = "peak_rss_mb"
            case stepGigaflops = "step_gflops"
            case peakGigaflops = "fma_peak_gflops"
            case peakShare = "fma_peak_ratio"
        }
    }

    private let configuration: Configuration
    private let batch: Int
    private let size: Int
    private let classes: Int
    private let network: NetworkGraph
    private let pool: ThreadPool
    private let plan: Plan
    private let objective: SlotObjective
    private let weights: UnsafeMutableBufferPointer<Float>
    private let velocity: UnsafeMutableBufferPointer<Float>
    private let gradients: UnsafeMutableBufferPointer<Float>
    private let statistics: UnsafeMutableBufferPointer<Float>
    private let batchStatistics: UnsafeMutableBufferPointer<Float>
    private let labels: [UInt8]
    private let threads: Int
    private let isa: String

    /// Compiles the network of a configuration for `[batch, size, size, 3]`.
    public init(
        _ configuration: Configuration, batch: Int, size: Int, classes: Int, threads: Int,
        instructionSet: InstructionSet = .auto
    ) throws {
        let products = ProductEngine(training: configuration)
        let kernels = try instructionSet.kernels()
        try products.prepare(kernels)
        self.configuration = configuration
        self.batch = batch
        self.size = size
        self.classes = classes
        self.threads = threads
        let shape = try NetworkShape(configuration, classCount: classes)
        network = DeepLab.primary(shape, batch: batch, height: size, width: size)
        isa = String(cString: kernels.pointee.name)
        pool = ThreadPool(threadCount: threads, kernels: kernels)
        plan = Plan(
            network.graph, outputs: [network.logits], mode: .training, pool: pool,
            products: products)
        let logits = network.graph.shape(of: network.logits)
        objective = SlotObjective(
            LogitGrid(
                height: logits.height, width: logits.width, classes: classes, labelHeight: size,
                labelWidth: size), batch: batch, labelled: batch, pool: pool)
        func floats(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
            buffer.initialize(repeating: 0)
            return buffer
        }
        weights = floats(network.graph.weightCount)
        velocity = floats(network.graph.weightCount)
        gradients = floats(network.graph.weightCount)
        statistics = floats(network.graph.statisticCount)
        batchStatistics = floats(network.graph.statisticCount)
        labels = (0..<batch * size * size).map {
            UInt8(ck_philox_u64(0, 1, UInt64($0)) % UInt64(classes))
        }
        drawInput()
    }

    private func drawInput() {
        var offset = 0
        for declaration in network.graph.weights {
            let values = InitialValues.values(
                of: declaration, seed: 0, tensorName: declaration.name)
            _ = weights[offset..<offset + values.count].update(fromContentsOf: values)
            offset += values.count
        }
        offset = 0
        for declaration in network.graph.statistics {
            let values = InitialValues.values(
                of: declaration, seed: 0, tensorName: declaration.name)
            _ = statistics[offset..<offset + values.count].update(fromContentsOf: values)
            offset += values.count
        }
        let images = plan.input(network.image)
        for index in images.indices {
            images[index] = Float(ck_philox_normal_f64(0, 0, UInt64(index)))
        }
    }

    /// Runs one warm-up step and `steps` timed ones, between two measurements of the arithmetic peak.
    public func run(steps: Int) -> Result {
        let peakBefore = ArithmeticPeak.gigaflops(on: pool)
        var forward: [Double] = []
        var backward: [Double] = []
        var loss = 0.0
        for step in 0...steps {
            let (first, second) = time {
                loss = self.forward()
            } then: {
                self.backward()
            }
            if step > 0 {
                forward.append(first)
                backward.append(second)
            }
        }
        let step = zip(forward, backward).map { $0 + $1 }.median ?? 0
        let peak = max(peakBefore, ArithmeticPeak.gigaflops(on: pool))
        let rate = 6e-9 * Double(network.graph.multiplyAccumulateCount) / step
        return Result(
            network: configuration.network.backbone.rawValue, threads: threads, batch: batch,
            size: size, parameters: weights.count,
            isa: isa, gemm: configuration.engine.gemm.rawValue,
            precision: configuration.precision.rawValue, forwardSeconds: forward.median ?? 0,
            backwardSeconds: backward.median ?? 0, stepSeconds: step,
            imagesPerSecond: Double(batch) / step, peakResidentMebibytes: Self.peakResident(),
            stepGigaflops: rate, peakGigaflops: peak, peakShare: rate / peak, loss: loss)
    }

    /// Seconds of each kind of stage in a step, largest first; loss and update are no stages.
    public func stages(passes: Int) -> [(name: String, seconds: Double)] {
        plan.profile(
            passes: passes, weights: UnsafePointer(weights.baseAddress!),
            statistics: UnsafePointer(statistics.baseAddress!),
            gradients: gradients.baseAddress!, batchStatistics: batchStatistics.baseAddress!)
    }

    /// One step: forward pass and loss, backward pass, update.
    func step() {
        _ = forward()
        backward()
    }

    private func forward() -> Double {
        plan.forward(
            weights: UnsafePointer(weights.baseAddress!),
            statistics: UnsafePointer(statistics.baseAddress!), dropoutKey: 1)
        return labels.withUnsafeBufferPointer { labels in
            objective.evaluate(
                .labelled,
                SlotObjective.Logits(primary: plan.output(network.logits).baseAddress!),
                SlotObjective.Truth(labels: labels.baseAddress!),
                primaryGradient: plan.outputGradient(network.logits).baseAddress!
            ).total
        }
    }

    private func backward() {
        plan.backward(
            weights: UnsafePointer(weights.baseAddress!),
            statistics: UnsafePointer(statistics.baseAddress!),
            gradients: gradients.baseAddress!, batchStatistics: batchStatistics.baseAddress!)
        update()
    }

    /// The optimizer's pass over all parameters, in pieces that the threads share.
    private func update() {
        let rule = UpdateRule.momentumSGD(momentum: 0.9)
        var progress = OptimizerProgress()
        progress.advance(rule)
        let pieces = Tiling.elements(weights.count)
        pool.run(count: pieces.count) { [progress] piece in
            let elements = pieces.range(piece)
            rule.update(
                weights: UnsafeMutableBufferPointer(rebasing: weights[elements]),
                slots: [UnsafeMutableBufferPointer(rebasing: velocity[elements])],
                gradientSum: UnsafeBufferPointer(rebasing: gradients[elements]),
                gradientScale: 1, learningRate: 1e-3, progress: progress,
                ranges: [
                    UpdateRange(
                        elements: 0..<elements.count, weightDecay: 4e-5, learningRateMultiplier: 1)
                ])
        }
    }

    private func time(_ first: () -> Void, then second: () -> Void) -> (Double, Double) {
        let clock = ContinuousClock()
        return (clock.measure(first) / .seconds(1), clock.measure(second) / .seconds(1))
    }

    /// `VmHWM` of this process in mebibytes: unlike `ru_maxrss` it begins anew with each program.
    private static func peakResident() -> Double? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return nil }
        let words = line.split(whereSeparator: \.isWhitespace)
        return words.count > 1 ? Double(words[1]).map { $0 / 1024 } : nil
    }
}
