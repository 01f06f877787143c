import Configurations
import Datasets
import Networks

/// What a worker's computing will take, known before any of it is taken.
public struct MemoryEstimate: Hashable, Sendable {
    /// Plans of each phase in bytes, in phase order; one phase's are held at a time.
    public let planByteCounts: [Int]
    /// One copy of all groups that a phase reads, the largest such.
    public let parameterByteCount: Int
    /// One copy of all groups that a phase trains, the largest such.
    public let gradientByteCount: Int
    /// The two batches that may wait, the largest such.
    public let batchByteCount: Int

    /// Copies of the parameters that a worker may hold: the version read and the next one arriving.
    static let parameterCopies = 2
    /// Copies of gradients: the slot's own and the node's sum.
    static let gradientCopies = 2

    /// Throws `TrainingError.schedule` as `TrainingSchedule` does.
    public init(_ configuration: Configuration, classCount: Int) throws {
        let shape = try NetworkShape(configuration, classCount: classCount)
        let schedule = try TrainingSchedule(configuration)
        let tensors = try TensorList(configuration, classCount: classCount)
        func largest(_ groups: (TrainingSchedule.Phase) -> [TensorGroup]) -> Int {
            schedule.phases.map { phase in
                4 * groups(phase).reduce(0) { $0 + tensors[$1].elementCount }
            }.max() ?? 0
        }
        planByteCounts = schedule.phases.map {
            PhaseNetworks(configuration, $0, shape).planByteCount
        }
        parameterByteCount = largest(\.readGroups)
        gradientByteCount = largest(\.trainedGroups)
        let pixels = configuration.data.crop * configuration.data.crop
        batchByteCount =
            schedule.phases.map { phase in
                let perPixel = 4 * 3 + 2 + (phase.boxes == .needed ? 4 * classCount : 0)
                return 2 * phase.imagesPerSlot * pixels * perPixel
            }.max() ?? 0
    }

    /// Everything at once, in bytes.
    public var total: Int {
        (planByteCounts.max() ?? 0) + Self.parameterCopies * parameterByteCount
            + Self.gradientCopies * gradientByteCount + batchByteCount
    }

    /// Throws `TrainingError.memory` where `available` bytes are too few.
    public func check(available: Int) throws {
        guard total > available else { return }
        throw TrainingError.memory(
            "a worker needs \(Self.text(total)) (plans \(Self.text(planByteCounts.max() ?? 0)), "
                + "parameters and gradients, batches), but \(Self.text(available)) are available: "
                + "lower slots.batch, data.crop or the number of workers on this machine")
    }

    /// `1.5 GiB`, `320 MiB`.
    static func text(_ byteCount: Int) -> String {
        let tenths = (byteCount * 10 + (1 << 29)) >> 30
        return tenths >= 10
            ? "\(tenths / 10).\(tenths % 10) GiB" : "\((byteCount + (1 << 19)) >> 20) MiB"
    }
}
