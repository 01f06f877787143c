/// A ``Graph`` compiled for its shapes: a list of stages over one arena; a step allocates nothing.
///
/// A plan, its buffers and its pool belong to one caller at a time.
public final class Plan {
    public enum Mode: Sendable {
        /// Batch statistics and dropout; activations are kept for ``backward``.
        case training
        /// Running statistics, no dropout, no backward pass.
        case evaluation
    }

    public let graph: Graph
    public let mode: Mode
    public let outputs: [Value]
    /// Memory that one plan holds for its values, gradients and scratch.
    public let arenaByteCount: Int

    /// Compiles the plan; `inputGradients` names the inputs whose gradients `backward` shall give.
    public init(
        _ graph: Graph, outputs: [Value], mode: Mode, pool: ThreadPool,
        inputGradients: [Value] = []
    ) {
        self.graph = graph
        self.mode = mode
        self.outputs = outputs
        arenaByteCount = 0
    }

    /// The elements of an input, to be filled before ``forward``.
    public func input(_ value: Value) -> UnsafeMutableBufferPointer<Float> { fatalError() }

    /// The elements of an output, valid from one ``forward`` to the next.
    public func output(_ value: Value) -> UnsafeBufferPointer<Float> { fatalError() }

    /// The gradient of an output, to be filled between ``forward`` and ``backward``.
    public func outputGradient(_ value: Value) -> UnsafeMutableBufferPointer<Float> { fatalError() }

    /// The gradient of an input named at initialisation, valid after ``backward``.
    public func inputGradient(_ value: Value) -> UnsafeBufferPointer<Float> { fatalError() }

    /// Computes the outputs; `weights` and `statistics` are flat in the graph's declaration order.
    public func forward(
        weights: UnsafePointer<Float>, statistics: UnsafePointer<Float>, dropoutKey: UInt64
    ) { fatalError() }

    /// Overwrites `gradients` (flat like the weights) and `batchStatistics` (flat like the statistics: slot
    /// mean and unbiased variance), after a ``forward`` of the same weights and statistics.
    public func backward(
        weights: UnsafePointer<Float>, statistics: UnsafePointer<Float>,
        gradients: UnsafeMutablePointer<Float>, batchStatistics: UnsafeMutablePointer<Float>
    ) { fatalError() }
}
