/// How long a step takes on clusters that are not at hand: from what one machine was measured at, and
/// the rate of the links between many.
///
/// A step in synchronous mode is computing, then pushing, updating and pulling. Left out: that pushes
/// may leave while the last slot is still computed, latencies (microseconds beside milliseconds), and
/// contention beyond the links of the processes themselves. Each process has a host of its own.
public struct CostModel: Sendable {
    /// Bytes of parameters that every worker pulls, and of gradients that it pushes, in a step.
    public var parameterByteCount: Double
    /// V, the slots of a step, shared out evenly.
    public var slots: Int
    /// Time that a worker computes for a slot.
    public var slotSeconds: Double
    /// Bytes that one process moves in one direction in a second where the link does not hold it up.
    public var processByteRate: Double
    /// Bytes of memory that a server's reduction and update pass over in a second.
    public var updateByteRate: Double

    /// Takes measured constants; all are above 0.
    public init(
        parameterByteCount: Double, slots: Int, slotSeconds: Double, processByteRate: Double,
        updateByteRate: Double
    ) {
        precondition(
            parameterByteCount > 0 && slots > 0 && slotSeconds > 0 && processByteRate > 0
                && updateByteRate > 0, "a constant of the cost model is not above 0")
        self.parameterByteCount = parameterByteCount
        self.slots = slots
        self.slotSeconds = slotSeconds
        self.processByteRate = processByteRate
        self.updateByteRate = updateByteRate
    }

    /// The parts of a step, in seconds.
    public struct Step: Sendable, Equatable {
        /// Of the worker with the most slots.
        public var computing: Double
        /// Of all gradients.
        public var pushing: Double
        /// Reduction and update, on the primary and its backup.
        public var updating: Double
        /// Of all parameters.
        public var pulling: Double

        /// The whole step.
        public var seconds: Double { computing + pushing + updating + pulling }
    }

    /// A step of `workers` and `servers` ≥ 1 on links of `linkBitRate` bits a second each way.
    public func step(workers: Int, servers: Int, linkBitRate: Double) -> Step {
        let rate = min(linkBitRate / 8, processByteRate)
        let share = parameterByteCount / Double(servers)
        // A primary also sends the sums to its backup, and is backup of another shard.
        let replicas: Double = servers > 1 ? 1 : 0
        let incoming = (Double(workers) + replicas) * share
        let outgoing = Double(workers) * share
        // It reads each worker's node, and reads and writes values and one optimizer slot; the
        // backup runs the same update on the sum.
        let passes = Double(workers) + 4 + replicas * 5
        let slotsOfBusiest = (slots + workers - 1) / workers
        return Step(
            computing: Double(slotsOfBusiest) * slotSeconds,
            pushing: max(parameterByteCount, incoming) / rate,
            updating: passes * share / updateByteRate,
            pulling: max(parameterByteCount, outgoing) / rate)
    }

    /// The fewest servers with which a step is at most 5 % longer than with `limit` of them.
    public func servers(workers: Int, linkBitRate: Double, limit: Int) -> Int {
        let times = (1...limit).map {
            step(workers: workers, servers: $0, linkBitRate: linkBitRate).seconds
        }
        let best = times.min() ?? 0
        return (times.firstIndex { $0 <= 1.05 * best } ?? limit - 1) + 1
    }

    /// The most workers, up to `limit` and no more than slots, that are busy computing for at least
    /// half of a step: beyond, more of them wait than work.
    public func knee(linkBitRate: Double, serverLimit: Int, limit: Int) -> Int {
        (1...min(limit, slots)).last { workers in
            let servers = servers(
                workers: workers, linkBitRate: linkBitRate, limit: serverLimit)
            let step = step(workers: workers, servers: servers, linkBitRate: linkBitRate)
            let busy = Double(slots) * slotSeconds / Double(workers)
            return busy >= step.seconds / 2
        } ?? 1
    }
}
