/// The contributions to one step that a shard has not committed.
struct OpenStep: Sendable {
    struct Claim: Sendable {
        let contribution: Contribution
        let trailer: Trailer
    }

    let step: Step
    /// The shard's chunks that the step trains, in forward order.
    let chunks: [ChunkID]
    /// By place in `chunks`; a payload is nil under a confirmed non-finite trailer.
    private(set) var nodes: [NodeSet<Frame?>]
    private(set) var trailers = NodeSet<Trailer>()
    /// Non-finite trailers that nothing has confirmed, in the order of their arrival.
    private(set) var claims: [Claim] = []

    init(step: Step, chunks: [ChunkID]) {
        self.step = step
        self.chunks = chunks
        nodes = Array(repeating: NodeSet(), count: chunks.count)
    }

    /// What a push of a node would come to, judged before its payload is; nil if it is wanted.
    func outcome(
        ofPush push: Push, policy: NumericsPolicy
    ) -> ContributionOutcome? {
        guard let place = chunks.firstIndex(of: push.chunk) else { return .malformed }
        switch nodes[place].relation(to: push.node) {
        case .absent: return nil
        case .covered: return .covered
        case .same(let entry):
            guard entry.value != nil else { return .covered }
            #if PLANTED_DOUBLE_COUNT
                return nil
            #endif
            let agrees = entry.contribution.digest == push.digest || policy == .loose
            return agrees ? .duplicate : .mismatch
        }
    }

    mutating func record(_ push: Push, from incarnation: Incarnation) {
        guard let place = chunks.firstIndex(of: push.chunk) else {
            preconditionFailure("chunk \(push.chunk) is not of step \(step)")
        }
        let contribution = Contribution(
            node: push.node, incarnation: incarnation, attempt: push.attempt, digest: push.digest)
        #if PLANTED_DOUBLE_COUNT
            if case .same(let entry) = nodes[place].relation(to: push.node), let first = entry.value
            {
                let sum = Frame(floats: zip(first.floats, push.payload.floats).map(+))
                return nodes[place].insert(.init(contribution: contribution, value: sum))
            }
        #endif
        nodes[place].insert(.init(contribution: contribution, value: push.payload))
    }

    mutating func record(
        _ report: TrailerReport, from incarnation: Incarnation, policy: NumericsPolicy
    ) -> ContributionOutcome {
        let contribution = Contribution(
            node: report.node, incarnation: incarnation, attempt: report.attempt,
            digest: Digest(0))
        switch trailers.relation(to: report.node) {
        case .covered: return .covered
        case .same(let entry):
            return entry.value == report.trailer || policy == .loose ? .duplicate : .mismatch
        case .absent: break
        }
        if report.trailer.finiteness == .nonFinite {
            return recordNonFinite(report, contribution)
        }
        let below = trailers.descendants(of: report.node)
        guard !below.contains(where: { $0.value.finiteness == .nonFinite }) else {
            return .mismatch
        }
        claims.removeAll { report.node.contains($0.contribution.node) }
        trailers.insert(.init(contribution: contribution, value: report.trailer))
        return .recorded
    }

    /// Believes a non-finite trailer when two attempts agree on it: the node is then covered, in
    /// the trailer and in every chunk, without a payload.
    private mutating func recordNonFinite(
        _ report: TrailerReport, _ contribution: Contribution
    ) -> ContributionOutcome {
        let earlier = claims.filter { $0.contribution.node == report.node }
        if earlier.contains(where: { $0.contribution.attempt == report.attempt }) {
            return .awaitingConfirmation
        }
        guard earlier.contains(where: { $0.trailer == report.trailer }) else {
            claims.append(Claim(contribution: contribution, trailer: report.trailer))
            return .awaitingConfirmation
        }
        claims.removeAll { report.node.contains($0.contribution.node) }
        trailers.insert(.init(contribution: contribution, value: report.trailer))
        for place in nodes.indices {
            if case .absent = nodes[place].relation(to: report.node) {
                nodes[place].insert(.init(contribution: contribution, value: nil))
            }
        }
        return .recorded
    }

    func isComplete(slotCount: Int) -> Bool {
        trailers.coveredSlotCount == slotCount
            && nodes.allSatisfy { $0.coveredSlotCount == slotCount }
    }

    func missing(slotCount: Int) -> [SlotRange] {
        union(nodes.flatMap { $0.missing(of: slotCount) } + trailers.missing(of: slotCount))
    }

    /// Per node, in the order of the nodes' first claims.
    var claimsByNode: [ServerProgress.NonFiniteClaim] {
        var nodes: [SlotRange] = []
        for claim in claims where !nodes.contains(claim.contribution.node) {
            nodes.append(claim.contribution.node)
        }
        return nodes.map { node in
            ServerProgress.NonFiniteClaim(
                node: node,
                attempts: claims.filter { $0.contribution.node == node }
                    .map(\.contribution.attempt))
        }
    }
}
