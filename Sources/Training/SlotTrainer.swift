import CKernels
import Configurations
import Datasets
import Networks
import Tensors

/// Turns one slot of one step into gradients, batch statistics and a result: a pure function of
/// configuration, parameters, step and slot, whatever thread count and timing.
///
/// One caller at a time. Plans are compiled when a phase is first computed and kept until another
/// one is.
public final class SlotTrainer {
    /// What is trained, and how.
    public let configuration: Configuration
    /// The phases that the configuration makes.
    public let schedule: TrainingSchedule
    /// The tensors of the groups that they train or read.
    public let tensors: TensorList
    private let shape: NetworkShape
    private let loader: BatchLoader
    private let pool: ThreadPool
    private var current: SlotComputation?
    /// Time that ``compute`` has waited for batches so far.
    public var waitedForInput: Duration { loader.waited }

    /// Throws `TrainingError.schedule` for a configuration without sensible phases,
    /// `OpenBLAS.WrongBuild` for a matrix library that cannot be kept to its caller's thread, and
    /// `MissingBFloat16` where the precision is bf16 and the pool's kernels have none.
    public init(_ configuration: Configuration, source: any BatchSource, pool: ThreadPool) throws {
        try ProductEngine(training: configuration).prepare(pool.kernels)
        let classCount = source.classNames.count
        self.configuration = configuration
        schedule = try TrainingSchedule(configuration)
        tensors = try TensorList(configuration, classCount: classCount)
        shape = try NetworkShape(configuration, classCount: classCount)
        loader = BatchLoader(source: source)
        self.pool = pool
    }

    /// Begins to load a slot's batch in the background, so that ``compute`` finds it ready.
    public func prefetch(phase: Int, stepInPhase: Int, slot: Int) {
        loader.prefetch(request(phase: phase, stepInPhase: stepInPhase, slot: slot))
    }

    /// Computes one slot.
    ///
    /// `parameters` holds at least the phase's read groups. `gradients` holds at least its trained
    /// groups and is overwritten: with the gradients of the slot's mean loss and, for statistics, with
    /// the slot's mean and unbiased variance. `finished` is told during the backward pass which
    /// elements of a group have their final values, whatever the result says of them later.
    /// Throws what the batch source throws.
    public func compute(
        phase: Int, stepInPhase: Int, slot: Int, parameters: FlatBuffers,
        gradients: FlatBuffers, finished: (TensorGroup, Range<Int>) -> Void = { _, _ in }
    ) throws -> SlotResult {
        let batch = try loader.take(request(phase: phase, stepInPhase: stepInPhase, slot: slot))
        return computation(of: phase).run(
            batch, stepInPhase: stepInPhase,
            dropoutKey: Self.dropoutKey(
                seed: configuration.seed, phase: phase, stepInPhase: stepInPhase, slot: slot),
            parameters, into: gradients, finished: finished)
    }

    private func computation(of phase: Int) -> SlotComputation {
        if let current, current.phase == schedule.phases[phase] { return current }
        current = nil  // Two phases' arenas need not fit into memory together.
        let computation = SlotComputation(configuration, schedule.phases[phase], shape, pool: pool)
        current = computation
        return computation
    }

    private func request(phase: Int, stepInPhase: Int, slot: Int) -> BatchRequest {
        BatchRequest(
            configuration, schedule, phase: phase, stepInPhase: stepInPhase, slot: slot)
    }

    /// The key of all dropout masks of a slot.
    static func dropoutKey(seed: UInt64, phase: Int, stepInPhase: Int, slot: Int) -> UInt64 {
        precondition(phase < 1 << 32 && stepInPhase < 1 << 40 && slot < 1 << 24)
        return ck_philox_u64(
            seed, dropoutStream << 32 | UInt64(phase), UInt64(stepInPhase) << 24 | UInt64(slot))
    }

    /// Sets dropout apart from the other uses of the seed ("drop" in ASCII).
    private static let dropoutStream: UInt64 = 0x6472_6f70
}
