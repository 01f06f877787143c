import ArgumentParser
import Foundation
import Launcher
import Roles
import Tensors

extension Bench {
    /// `emend bench kernels`: the rate of the matrix products, beside OpenBLAS.
    struct Kernels: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time the matrix products of network layers, beside OpenBLAS.",
            discussion: """
                Each layer is a 1×1 convolution of MobileNetV2 (batch 4) or Xception-65 (batch 2) at \
                321². The engines take turns, and the best of all repetitions counts.
                """)

        @Option(help: "Threads.") var threads = HostResources.threadsAllowed()
        @Option(help: "The kernels' level: auto, generic, avx2, avx512 or neon.")
        var isa = InstructionSet.auto
        @Option(help: "Runs of each layer and engine.") var repetitions = 15
        @Flag(help: "One line of JSON for each layer and engine.") var json = false

        func validate() throws {
            guard threads > 0, repetitions > 0 else {
                throw ValidationError("threads and repetitions are at least 1")
            }
        }

        func run() throws {
            try reportingErrors {
                let benchmark = try ProductBenchmark(threads: threads, instructionSet: isa)
                if !json {
                    print(
                        "      rows  in → out     engine    precision    forward   backward, GFLOP/s"
                    )
                }
                for layer in ProductBenchmark.layers {
                    for result in benchmark.run(layer, repetitions: repetitions) {
                        print(try json ? jsonLine(result) : line(result))
                    }
                }
            }
        }

        private func line(_ result: ProductBenchmark.Result) -> String {
            let engine = [result.gemm, result.precision]
                .map { $0.padding(toLength: 10, withPad: " ", startingAt: 0) }.joined()
            return String(
                format: "%10ld %5ld → %-5ld  ", result.rows, result.inputs, result.outputs)
                + engine
                + String(
                    format: " %9.1f %10.1f", result.forwardGigaflops, result.backwardGigaflops)
        }
    }
}
