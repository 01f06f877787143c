import CKernels

/// A ``Graph`` compiled for its shapes: a list of stages over one arena; a step allocates nothing.
///
/// A plan, its buffers and its pool belong to one caller at a time.
public final class Plan {
    /// What a plan is compiled for.
    public enum Mode: Sendable {
        /// Batch statistics and dropout; activations are kept for the backward pass.
        case training
        /// Running statistics, no dropout, no backward pass.
        case evaluation
    }

    /// How the arena is laid out and watched.
    package enum Memory: Sendable {
        case sharedByLifetime
        case unshared
        /// Shared, and each buffer is filled with NaN as soon as its declared life is over.
        case poisoned
    }

    /// The graph that was compiled.
    public let graph: Graph
    /// What it was compiled for.
    public let mode: Mode
    /// The values that a pass leaves readable.
    public let outputs: [Value]
    private let pool: ThreadPool
    private let planner: Planner
    private let arena: Arena
    private let memory: Memory
    private let stages: [Stage]
    /// Told how long each stage took.
    var observer: ((Stage, Double) -> Void)?

    /// Compiles the plan; `inputGradients` names the inputs whose gradients `backward` shall give.
    ///
    /// The pool's threads and kernels run it.
    public convenience init(
        _ graph: Graph, outputs: [Value], mode: Mode, pool: ThreadPool,
        inputGradients: [Value] = [], products: ProductEngine = .native
    ) {
        self.init(
            graph, outputs: outputs, mode: mode, pool: pool, inputGradients: inputGradients,
            products: products, memory: .sharedByLifetime)
    }

    package init(
        _ graph: Graph, outputs: [Value], mode: Mode, pool: ThreadPool,
        inputGradients: [Value] = [], products: ProductEngine = .native, memory: Memory
    ) {
        precondition(!outputs.isEmpty, "a plan without outputs computes nothing")
        self.graph = graph
        self.mode = mode
        self.outputs = outputs
        self.pool = pool
        self.memory = memory
        planner = Planner(
            graph, outputs: outputs, mode: mode, inputGradients: inputGradients,
            products: products, kernels: pool.kernels, threadCount: pool.threadCount)
        planner.compile(inputGradients: inputGradients)
        stages = planner.stages
        planner.arguments.allocateScratch(
            planner.scratchCount, threadCount: pool.threadCount)
        arena = Arena(planner.buffers, sharing: memory == .unshared ? .none : .byLifetime)
    }

    /// Memory that a plan would hold, without compiling it into any.
    public static func arenaByteCount(
        _ graph: Graph, outputs: [Value], mode: Mode, inputGradients: [Value] = [],
        products: ProductEngine = .native
    ) -> Int {
        // No size depends on the kernels' level or the number of threads.
        let planner = Planner(
            graph, outputs: outputs, mode: mode, inputGradients: inputGradients,
            products: products, kernels: ck_kernels(), threadCount: 1)
        planner.compile(inputGradients: inputGradients)
        return Arena.byteCount(planner.buffers, sharing: .byLifetime)
    }

    /// Memory that the plan holds for its values, gradients and scratch.
    public var arenaByteCount: Int { arena.byteCount }

    /// The elements of an input, to be filled before ``forward(weights:statistics:dropoutKey:)``;
    /// they stay until the caller changes them.
    public func input(_ value: Value) -> UnsafeMutableBufferPointer<Float> {
        guard case .input = graph.nodes[value.index].operation else {
            preconditionFailure("value \(value.index) is no input of the graph")
        }
        let buffer = planner.value(value)
        return UnsafeMutableBufferPointer(start: buffer.base, count: buffer.count)
    }

    /// The elements of an output, valid from one forward pass to the next.
    public func output(_ value: Value) -> UnsafeBufferPointer<Float> {
        precondition(outputs.contains(value), "value \(value.index) is no output of the plan")
        let buffer = planner.value(value)
        return UnsafeBufferPointer(start: buffer.base, count: buffer.count)
    }

    /// The gradient of an output, to be filled after each forward and before the backward pass,
    /// which overwrites it.
    public func outputGradient(_ value: Value) -> UnsafeMutableBufferPointer<Float> {
        precondition(outputs.contains(value), "value \(value.index) is no output of the plan")
        let buffer = gradientBuffer(value)
        return UnsafeMutableBufferPointer(start: buffer.base, count: buffer.count)
    }

    /// The gradient of an input named at initialisation, valid after the backward pass.
    public func inputGradient(_ value: Value) -> UnsafeBufferPointer<Float> {
        let buffer = gradientBuffer(value)
        return UnsafeBufferPointer(start: buffer.base, count: buffer.count)
    }

    private func gradientBuffer(_ value: Value) -> Buffer {
        guard let buffer = planner.requestedGradient(value) else {
            preconditionFailure("no gradient of value \(value.index) was asked for")
        }
        return buffer
    }

    /// Computes the outputs; `weights` and `statistics` are flat in the graph's declaration order.
    ///
    /// `dropoutKey` decides every dropout of the pass together with the layer's ordinal.
    public func forward(
        weights: UnsafePointer<Float>, statistics: UnsafePointer<Float>, dropoutKey: UInt64 = 0
    ) {
        planner.arguments.set(weights: weights, statistics: statistics, dropoutKey: dropoutKey)
        run(0..<planner.forwardCount)
    }

    /// Differentiates the last forward pass, of the same weights and statistics.
    ///
    /// Overwrites `gradients`, flat like the weights, and `batchStatistics`, flat like the
    /// statistics: the slot's mean and unbiased variance, or the running ones of a layer that
    /// sees a single value. `finished` is called between stages with elements of `gradients` that
    /// have their final values, each once, in backward order.
    public func backward(
        weights: UnsafePointer<Float>, statistics: UnsafePointer<Float>,
        gradients: UnsafeMutablePointer<Float>, batchStatistics: UnsafeMutablePointer<Float>,
        finished: (Range<Int>) -> Void = { _ in }
    ) {
        precondition(mode == .training, "a plan for evaluation has no backward pass")
        planner.arguments.set(
            weights: weights, statistics: statistics, gradients: gradients,
            batchStatistics: batchStatistics)
        run(planner.forwardCount..<stages.count) { stage in
            for elements in planner.finalGradients[stage] ?? [] { finished(elements) }
        }
    }

    private func run(_ range: Range<Int>, afterStage: (Int) -> Void = { _ in }) {
        for index in range {
            let begun = observer == nil ? 0 : monotonicSeconds()
            pool.run(stages[index])
            observer?(stages[index], monotonicSeconds() - begun)
            if memory == .poisoned { planner.poison(after: index) }
            afterStage(index)
        }
    }
}
