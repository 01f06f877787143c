import CKernels
import Configurations
import Networks
import Tensors
import TestSupport
import Testing
import Training

@Suite("What a run asks of a machine")
struct MachineTests {
    @Test(
        "The memory estimate counts the plans that are then compiled",
        arguments: Configuration.Method.allCases)
    func estimate(_ method: Configuration.Method) throws {
        let c = TinyRun.configuration(method)
        let estimate = try MemoryEstimate(c, classCount: 3)
        #expect(estimate.planByteCounts.count == (try TrainingSchedule(c).phases.count))
        #expect(estimate.planByteCounts.allSatisfy { $0 > 0 })
        let tensors = try TensorList(c, classCount: 3)
        #expect(
            estimate.parameterByteCount
                == 4 * tensors.groups.reduce(0) { $0 + $1.elementCount })
        #expect(estimate.total > estimate.planByteCounts.max()!)
        var larger = c
        larger.slots.batch = 8
        #expect(
            try MemoryEstimate(larger, classCount: 3).planByteCounts.max()!
                > estimate.planByteCounts.max()! * 3 / 2)
    }

    @Test("The estimate of a phase with one network is its plan's arena")
    func exact() throws {
        let c = TinyRun.configuration(.supervised)
        let shape = try NetworkShape(c, classCount: 3)
        let plan = NetworkPlan(
            DeepLab.primary(shape, batch: 4, height: 33, width: 33), of: .primary,
            mode: .training, pool: ThreadPool(threadCount: 1))
        #expect(
            try MemoryEstimate(c, classCount: 3).planByteCounts == [plan.plan.arenaByteCount])
    }

    @Test("Too little memory is refused with the numbers and what to lower")
    func tooLittle() throws {
        let estimate = try MemoryEstimate(TinyRun.configuration(.linear), classCount: 3)
        try estimate.check(available: estimate.total)
        do {
            try estimate.check(available: estimate.total - 1)
            Issue.record("nothing was thrown")
        } catch {
            for word in ["MiB", "slots.batch", "data.crop"] {
                #expect("\(error)".contains(word), "\(error)")
            }
        }
    }

    @Test("Every level of the kernels is of class portable-1", arguments: InstructionSet.present)
    func portable(_ level: InstructionSet) throws {
        #expect(try NumericsClass.portable(level.kernels()).description == "portable-1")
    }

    @Test(
        "Products of bfloat16 are of class bf16-1 or amx-1: the twins' and this processor's",
        arguments: [(BFloat16Order.pairs, "bf16-1"), (.tiles, "amx-1")])
    func bfloat16(order: BFloat16Order, name: String) throws {
        #expect(try NumericsClass.bfloat16(order, ck_twin_table())?.description == name)
        if order.products(beside: ck_kernels()) != nil {
            #expect(try NumericsClass.bfloat16(order, ck_kernels())?.description == name)
        }
        #expect(try NumericsClass.bfloat16(order, InstructionSet.generic.kernels()) == nil)
    }

    @Test(
        "A run in bfloat16 is refused by kernels without it; its models are used on any machine",
        arguments: [
            (Configuration.Precision.bf16, "AVX-512 BF16"), (.bf16AMX, "AMX BF16"),
        ])
    func bfloat16Refusal(precision: Configuration.Precision, need: String) throws {
        var c = TinyRun.configuration(.supervised)
        c.precision = precision
        let generic = ThreadPool(threadCount: 1, kernels: try InstructionSet.generic.kernels())
        do {
            _ = try SlotTrainer(
                c, source: MadeUpBatches(classNames: TinyRun.classNames), pool: generic)
            Issue.record("nothing was thrown")
        } catch let error as MissingBFloat16 {
            #expect(error.level == "generic" && "\(error)".contains(need))
            #expect("\(error)".contains("precision: \(precision.rawValue) "))
        }
        #expect(try MemoryEstimate(c, classCount: 3).total > 0)
        #expect(throws: Never.self) {
            try Predictor(
                c, classCount: 3, model: .primary,
                options: InferenceOptions(outputStride: .sixteen), pool: generic)
        }
    }

    @Test("OpenBLAS's class is the same for every thread count and attempt")
    func classIsStable() throws {
        let c = TinyRun.configuration(.convolutional)
        let classes = try [1, 2, 3].map {
            try NumericsClass.openBLAS(
                c, classNames: TinyRun.classNames, buildIdentifier: "test",
                pool: ThreadPool(threadCount: $0))
        }
        #expect(classes[0] == classes[1] && classes[1] == classes[2])
        let parts = classes[0].description.split(separator: "-")
        #expect(parts.count == 2 && parts[0] == "openblas" && parts[1].count == 16)
    }

    @Test("OpenBLAS's class depends on the run's shapes and on the build")
    func classDiffers() throws {
        var c = TinyRun.configuration(.supervised)
        func numerics(_ build: String) throws -> NumericsClass {
            try NumericsClass.openBLAS(
                c, classNames: TinyRun.classNames, buildIdentifier: build,
                pool: ThreadPool(threadCount: 1))
        }
        let first = try numerics("a")
        #expect(try numerics("b") != first)
        c.data.crop = 49
        #expect(try numerics("a") != first)
        // Weights from files are no part of the machine.
        c.data.crop = 33
        c.network.weights = "/nonexistent"
        #expect(try numerics("a") == first)
    }
}
