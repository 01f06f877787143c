/// What a worker holds of the parameters, and what it has asked for.
struct ParameterCache: Sendable {
    struct PullInFlight: Sendable {
        let server: ServerIndex
        let pull: Pull
        let byteCount: Int
        var sent: Instant
    }

    /// By chunk id: what the compute jobs' runner holds.
    private(set) var placed: [Version?]
    /// Pulled, and not yet handed to the runner.
    private(set) var arrived: [ChunkParameters] = []
    private(set) var inFlight: [PullInFlight] = []
    /// By shard: the newest version that the shard is known to have reached.
    private(set) var reached: [Version?]

    init(chunkCount: Int, shardCount: Int) {
        placed = Array(repeating: nil, count: chunkCount)
        reached = Array(repeating: nil, count: shardCount)
    }

    /// Whether everything that `step` reads is here and every shard has reached the version it reads.
    func isReady(for step: Step, plan: RunPlan) -> Bool {
        let version = plan.readVersion(of: step)
        return reached.allSatisfy { $0.map { $0 >= version } ?? false }
            && plan.chunksRead(at: step).allSatisfy { has($0, for: step, plan) }
    }

    private func has(_ chunk: ChunkID, for step: Step, _ plan: RunPlan) -> Bool {
        let version = plan.requiredVersion(of: chunk, at: step)
        return placed[chunk.index] == version
            || arrived.contains { $0.chunk == chunk && $0.version == version }
    }

    /// The pulls that `step` still needs, in forward order; a shard that none of them shows to have
    /// reached the version is asked for just that.
    func missingPulls(for step: Step, plan: RunPlan, placement: Placement) -> [Pull] {
        let version = plan.readVersion(of: step)
        var pulls: [Pull] = []
        for chunk in plan.chunksRead(at: step) where !has(chunk, for: step, plan) {
            pulls.append(
                Pull(
                    shard: placement.shard(of: chunk), chunk: chunk,
                    version: plan.requiredVersion(of: chunk, at: step)))
        }
        for shard in placement.shards {
            let isReached = reached[shard.index.index].map { $0 >= version } ?? false
            let isShown = pulls.contains { $0.shard == shard.index && $0.version == version }
            if !isReached, !isShown {
                pulls.append(Pull(shard: shard.index, chunk: nil, version: version))
            }
        }
        return pulls.filter { pull in !inFlight.contains { $0.pull == pull } }
    }

    func byteCountInFlight(to server: ServerIndex) -> Int {
        inFlight.reduce(0) { $0 + ($1.server == server ? $1.byteCount : 0) }
    }

    /// Gives up the pulls that `step` has no use for, so that they take no room from its own: a
    /// parked pull of a later version may be answered only after this step.
    mutating func abandonPulls(exceptFor step: Step, plan: RunPlan) {
        inFlight.removeAll { flight in
            guard let chunk = flight.pull.chunk else {
                return flight.pull.version != plan.readVersion(of: step)
            }
            return flight.pull.version != plan.requiredVersion(of: chunk, at: step)
        }
    }

    /// Forgets what was asked of a shard's old primary.
    mutating func forgetPulls(of shard: ShardIndex) {
        inFlight.removeAll { $0.pull.shard == shard }
    }

    /// Forgets everything: a version that is made again has other bits where numerics are loose.
    mutating func restart(shardCount: Int) {
        self = ParameterCache(chunkCount: placed.count, shardCount: shardCount)
    }

    mutating func begin(_ pull: PullInFlight) { inFlight.append(pull) }

    /// Notes that pulls were sent again.
    mutating func touch(at now: Instant, where isOverdue: (PullInFlight) -> Bool) -> [PullInFlight]
    {
        var touched: [PullInFlight] = []
        for place in inFlight.indices where isOverdue(inFlight[place]) {
            inFlight[place].sent = now
            touched.append(inFlight[place])
        }
        return touched
    }

    /// Takes an answer; one that was not asked for, or came before, changes nothing.
    mutating func accept(_ parameters: Parameters) {
        let known = inFlight.firstIndex {
            $0.pull.shard == parameters.shard && $0.pull.chunk == parameters.chunk
                && $0.pull.version == parameters.version
        }
        guard let known else { return }
        inFlight.remove(at: known)
        reach(parameters.version, shard: parameters.shard)
        guard let chunk = parameters.chunk, let payload = parameters.payload else { return }
        arrived.append(.init(chunk: chunk, version: parameters.version, payload: payload))
    }

    mutating func reach(_ version: Version, shard: ShardIndex) {
        let known = reached[shard.index] ?? .initial
        reached[shard.index] = max(known, version)
    }

    mutating func drop(_ refused: PullRefused) {
        inFlight.removeAll {
            $0.pull.shard == refused.shard && $0.pull.chunk == refused.chunk
                && $0.pull.version == refused.version
        }
    }

    /// Hands over what has arrived of `step`'s parameters and the runner does not hold.
    mutating func place(for step: Step, plan: RunPlan) -> [ChunkParameters] {
        let isRead = Set(plan.chunksRead(at: step))
        let wanted = arrived.filter { parameters in
            isRead.contains(parameters.chunk)
                && plan.requiredVersion(of: parameters.chunk, at: step) == parameters.version
                && placed[parameters.chunk.index] != parameters.version
        }
        for parameters in wanted { placed[parameters.chunk.index] = parameters.version }
        arrived.removeAll { wanted.contains($0) }
        return wanted
    }

    /// Forgets what is older than what `step` reads.
    mutating func forget(before step: Step, plan: RunPlan) {
        let version = plan.readVersion(of: step)
        arrived.removeAll { $0.version <= version }
    }
}
