import Configurations
import Datasets
import Tensors
import TestSupport
import Testing
import Training

@Suite("Training in bfloat16")
struct PrecisionTests {
    private func slot(
        _ configuration: Configuration, threads: Int = 2
    ) throws -> TinyRun.Outcome {
        try TinyRun.compute(
            configuration, phase: .main,
            pool: ThreadPool(threadCount: threads, kernels: roundingKernels))
    }

    private static let precisions = roundingOrders.map {
        Configuration.Precision(rawValue: $0.precision)!
    }

    @Test(
        "The first step's loss is float32's within a hundredth",
        arguments: [Configuration.Network.Backbone.mobilenetv2, .xception65], precisions)
    func firstLoss(
        backbone: Configuration.Network.Backbone, precision: Configuration.Precision
    ) throws {
        var c = TinyRun.configuration(.supervised)
        c.network.backbone = backbone
        c.slots.batch = 2
        let exact = try slot(c).result.total
        c.precision = precision
        let rounded = try slot(c).result.total
        #expect(rounded != exact)
        #expect(abs(rounded - exact) <= 1e-2 * abs(exact), "\(rounded), in float32 \(exact)")
    }

    @Test("Threads never change a bit, whatever the phase computes", arguments: precisions)
    func threads(precision: Configuration.Precision) throws {
        var c = TinyRun.configuration(.convolutional)
        c.precision = precision
        let one = try slot(c, threads: 1)
        #expect(one.result.allFinite && one.result.maxAbsGradient > 0)
        #expect(try slot(c, threads: 2) == one && slot(c, threads: 3) == one)
        c.precision = .float32
        #expect(try slot(c) != one)
    }
}
