import CKernels
import Tensors
import Testing
import TestSupport

@Suite struct ProductEngineTests {
    /// Twice what each of the two may be away from the exact sum.
    @Test(arguments: OperationCase.products)
    func `the native engine agrees with OpenBLAS`(operation: OperationCase) {
        var generator = SeededGenerator(seed: 21)
        let operands = Operands(operation, &generator)
        func run(_ products: ProductEngine) -> PlanRun {
            PlanRun(
                Plan(
                    operation.graph, outputs: [operation.output], mode: .training,
                    pool: ThreadPool(threadCount: 1), inputGradients: operation.inputs,
                    products: products),
                inputs: operation.inputs.map { ($0, operands.inputs[$0]!.map { Float($0) }) },
                weights: operands.weights, statistics: operands.statistics,
                outputGradients: [operands.dy.map { Float($0) }])
        }
        let native = run(.native), library = run(.openBLAS), bound = operands.bound(operation)
        bound.expect(native.outputs[0], library.outputs[0].map(Double.init), \.y, "y")
        bound.expect(native.weights, library.weights.map(Double.init), \.weights, "weights")
        bound.expect(
            native.inputs[0], library.inputs[0].map(Double.init), \.inputs[0], "input")
    }

    @Test(arguments: OperationCase.products, BFloat16Order.allCases)
    func `bfloat16 agrees with float32 within its rounding`(
        operation: OperationCase, order: BFloat16Order
    ) {
        var generator = SeededGenerator(seed: 22)
        let operands = Operands(operation, &generator)
        func run(_ products: ProductEngine) -> PlanRun {
            PlanRun(
                Plan(
                    operation.graph, outputs: [operation.output], mode: .training,
                    pool: ThreadPool(threadCount: 1, kernels: ck_twin_table()),
                    inputGradients: operation.inputs, products: products),
                inputs: operation.inputs.map { ($0, operands.inputs[$0]!.map { Float($0) }) },
                weights: operands.weights, statistics: operands.statistics,
                outputGradients: [operands.dy.map { Float($0) }])
        }
        let exact = run(.native), rounded = run(.nativeBFloat16(order))
        for (a, b) in [
            (exact.outputs[0], rounded.outputs[0]), (exact.weights, rounded.weights),
            (exact.inputs[0], rounded.inputs[0]),
        ] {
            let difference = zip(a, b).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            let size = a.reduce(0) { $0 + Double($1 * $1) }
            let share = (difference / size).squareRoot()
            // Two operands, each off by 2⁻⁹ on average at most; 0 would mean that nothing was rounded.
            #expect(share > 1e-4 && share < 0x1p-8, "\(operation): \(share)")
        }
    }

    @Test(arguments: [(BFloat16Order.pairs, "bf16", "AVX-512"), (.tiles, "bf16-amx", "AMX")])
    func `kernels without bfloat16 are refused, with what is needed`(
        order: BFloat16Order, precision: String, instructions: String
    ) throws {
        let generic = try InstructionSet.generic.kernels()
        do {
            try ProductEngine.nativeBFloat16(order).prepare(generic)
            Issue.record("nothing was thrown")
        } catch {
            for word in ["precision: \(precision) ", "\(instructions) BF16", "generic", "float32"] {
                #expect("\(error)".contains(word), "\(error)")
            }
        }
        #expect(throws: Never.self) { try ProductEngine.native.prepare(generic) }
        #expect(throws: Never.self) {
            try ProductEngine.nativeBFloat16(order).prepare(ck_twin_table())
        }
    }

    @Test func `a plan of bfloat16 is measured where it cannot be run`() {
        let operation = OperationCase.products[1]
        func byteCount(_ products: ProductEngine) -> Int {
            Plan.arenaByteCount(
                operation.graph, outputs: [operation.output], mode: .training, products: products)
        }
        #expect(byteCount(.nativeBFloat16(.pairs)) < byteCount(.native), "words hold two terms")
    }

    @Test func `a level that the processor lacks is named, and what it has`() {
        #expect(throws: Never.self) { try InstructionSet.auto.kernels() }
        for level in InstructionSet.allCases where level != .auto {
            do {
                _ = try level.kernels()
                #expect(InstructionSet.present.contains(level))
            } catch {
                #expect(!InstructionSet.present.contains(level))
                for word in [level.rawValue, "generic"] {
                    #expect("\(error)".contains(word), "\(error)")
                }
            }
        }
    }
}

extension OperationCase {
    /// Convolutions of widths and depths beyond a panel and a block of the native products.
    static let products: [OperationCase] = [
        OperationCase("pointwise, wide", .linear, terms: 1404, [shape(2, 27, 26, 75)]) {
            $0.convolve($1[0], to: 141)
        },
        OperationCase("pointwise, deep", .linear, terms: 523, [shape(1, 9, 8, 523)]) {
            $0.convolve($1[0], to: 37, biased: true)
        },
        OperationCase("3×3", .linear, terms: 900, [shape(2, 25, 18, 19)]) {
            $0.convolve($1[0], to: 35, size: 3)
        },
    ]
}
