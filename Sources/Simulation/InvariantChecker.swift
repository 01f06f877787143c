import TrainingProtocol

/// What must hold after every event, whatever has gone wrong.
struct InvariantChecker: Sendable {
    private struct Primary: Sendable {
        let shard: ShardIndex
        let term: ShardTerm
        let process: Int
        var version: Version
    }

    /// Everybody who ever led a shard, by the first event that showed it.
    private var primaries: [Primary] = []
    /// The newest version of each shard that was told to be durable since the last roll-back.
    private var durable: [(shard: ShardIndex, term: ShardTerm, version: Version)] = []
    private var fencedThrough = ShardTerm(0)
    private var coordinatorTerm = CoordinatorTerm(0)

    /// A coordinator has begun to act.
    mutating func began(_ term: CoordinatorTerm) throws(InvariantViolation) {
        guard coordinatorTerm < term else {
            throw InvariantViolation("coordinator term \(term) acts after \(coordinatorTerm)")
        }
        coordinatorTerm = term
    }

    /// All shards are loaded again: what was durable in the old timeline is made again, and servers
    /// of these terms have not heard of it yet.
    mutating func rolledBack(fencing term: ShardTerm) {
        durable = []
        fencedThrough = max(fencedThrough, term)
    }

    /// All processes compute alike, so nothing that was computed twice may differ, and nobody may be
    /// told that he sent nonsense.
    func check(_ observation: Observation, of name: String) throws(InvariantViolation) {
        switch observation {
        case .copiesDisagree, .attemptsDisagree, .contributionRefused(_, _, .mismatch, _),
            .contributionRefused(_, _, .malformed, _):
            throw InvariantViolation("\(name) finds a difference: \(observation)")
        default: return
        }
    }

    /// Faults kill processes; the protocol itself gives none a reason to fail.
    func check(_ reason: TerminationReason, of name: String) throws(InvariantViolation) {
        switch reason {
        case .contributionRefused(_, _, .corrupt): return
        case .contributionRefused, .pullRefused, .inconsistent, .slotsRefused:
            throw InvariantViolation("\(name) fails: \(reason)")
        default: return
        }
    }

    /// Data of another shard term are not even looked at.
    func check(
        _ push: Push, term: ShardTerm, takenUpBy server: ServerMachine
    ) throws(InvariantViolation) {
        guard let led = server.ledShards.first(where: { $0.shard == push.shard }),
            led.term != term
        else { return }
        throw InvariantViolation(
            "a push to shard \(push.shard) of term \(term) is taken up in term \(led.term)")
    }

    /// A version is forgotten only once no step that reads it can be computed any more: all shards
    /// have committed it for good.
    func check(
        _ refused: PullRefused, term: ShardTerm, _ plan: RunPlan
    ) throws(InvariantViolation) {
        guard refused.reason == .dropped, fencedThrough < term, let chunk = refused.chunk else {
            return
        }
        let readers = (0..<plan.stepCount).map { Step($0) }.filter {
            plan.requiredVersion(of: chunk, at: $0) <= refused.version
        }
        guard let last = readers.last,
            let open = durable.first(where: { $0.version < last.result })
        else { return }
        throw InvariantViolation(
            "shard \(refused.shard) has dropped version \(refused.version) of chunk \(chunk), which "
                + "step \(last) reads, and shard \(open.shard) is durable through \(open.version)")
    }

    /// What a server says of its shards, after each of its events.
    mutating func check(_ server: ServerMachine, process: Int) throws(InvariantViolation) {
        for led in server.ledShards {
            guard led.version.index <= led.durableThrough.index + 1 else {
                throw InvariantViolation(
                    "shard \(led.shard) is at \(led.version) and its backup at "
                        + "\(led.durableThrough)")
            }
            let known = primaries.firstIndex { $0.shard == led.shard && $0.term == led.term }
            guard let known else {
                try checkPromotion(led)
                primaries.append(
                    Primary(
                        shard: led.shard, term: led.term, process: process,
                        version: led.version))
                note(led)
                continue
            }
            guard primaries[known].process == process else {
                throw InvariantViolation(
                    "processes \(primaries[known].process) and \(process) both lead shard "
                        + "\(led.shard) in term \(led.term)")
            }
            guard primaries[known].version <= led.version else {
                throw InvariantViolation(
                    "shard \(led.shard), term \(led.term), goes back from "
                        + "\(primaries[known].version) to \(led.version)")
            }
            primaries[known].version = led.version
            note(led)
        }
    }

    /// A backup that is promoted has everything that anybody was told is durable.
    private func checkPromotion(_ led: ServerMachine.LedShard) throws(InvariantViolation) {
        guard let told = durable.first(where: { $0.shard == led.shard }), told.term < led.term,
            led.version < told.version
        else { return }
        throw InvariantViolation(
            "version \(told.version) of shard \(led.shard) was durable, and the primary of term "
                + "\(led.term) begins at \(led.version)")
    }

    private mutating func note(_ led: ServerMachine.LedShard) {
        guard fencedThrough < led.term else { return }
        guard let place = durable.firstIndex(where: { $0.shard == led.shard }) else {
            durable.append((led.shard, led.term, led.durableThrough))
            return
        }
        guard durable[place].term <= led.term else { return }
        durable[place].term = led.term
        durable[place].version = max(durable[place].version, led.durableThrough)
    }
}
