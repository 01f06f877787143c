import ArgumentParser
import Launcher
import Tensors

/// What a command that applies a model computes with.
struct ComputeSelection: ParsableArguments {
    @Option(help: "Threads.") var threads = HostResources.threadsAllowed()
    @Option(help: "The kernels' level: auto, generic, avx2, avx512 or neon; the bits are the same.")
    var isa = InstructionSet.auto

    /// Throws `InstructionSet.Missing` where the processor lacks the level.
    func pool() throws -> ThreadPool {
        ThreadPool(threadCount: threads, kernels: try isa.kernels())
    }

    func validate() throws {
        if threads < 1 { throw ValidationError("--threads must be at least 1, not \(threads)") }
    }
}
