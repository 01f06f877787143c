/// Who has been granted which nodes of the steps that are not committed.
struct LeaseBook: Sendable {
    struct Granted: Equatable, Sendable {
        let lease: Lease
        let holder: MemberID
        var sent: Instant
    }

    struct Refusal: Sendable {
        let node: SlotRange
        let member: MemberID
        let failure: JobFailure
    }

    struct OpenStep: Sendable {
        let step: Step
        /// By lease id.
        var granted: [Granted] = []
        /// Slots that nobody holds, as disjoint ranges in slot order.
        var unassigned: [SlotRange]
        var refusals: [Refusal] = []
        var lastAttempt: UInt64 = 0
    }

    let tree: SlotTree
    /// By step.
    private(set) var steps: [OpenStep] = []
    private var lastLease: UInt64
    private let firstAttempt: UInt64

    /// Leases and attempts of different coordinator terms never have the same number.
    init(tree: SlotTree, term: CoordinatorTerm) {
        self.tree = tree
        lastLease = term.number << 32
        firstAttempt = term.number << 32
    }

    func contains(_ step: Step) -> Bool { steps.contains { $0.step == step } }

    func granted(_ lease: LeaseID) -> Granted? {
        for step in steps {
            if let granted = step.granted.first(where: { $0.lease.id == lease }) { return granted }
        }
        return nil
    }

    func leases(of member: MemberID) -> [Granted] {
        steps.flatMap { $0.granted.filter { $0.holder == member } }
    }

    mutating func open(_ step: Step) {
        precondition(!contains(step), "step \(step) is open already")
        let place = steps.firstIndex { step < $0.step } ?? steps.count
        steps.insert(
            OpenStep(step: step, unassigned: [tree.root], lastAttempt: firstAttempt), at: place)
    }

    /// Takes over a lease that another coordinator granted.
    mutating func adopt(_ lease: Lease, of holder: MemberID, at now: Instant) {
        guard let place = steps.firstIndex(where: { $0.step == lease.step }),
            granted(lease.id) == nil, tree.isNode(lease.node)
        else { return }
        steps[place].granted.append(Granted(lease: lease, holder: holder, sent: now))
        subtract(lease.node, at: place)
    }

    /// Makes the slots that are neither granted nor covered those that wait to be granted: whoever
    /// computed them may be gone, and so may the server that had them.
    mutating func settle(isCovered: (Step, SlotRange) -> Bool) {
        for place in steps.indices {
            let open = steps[place]
            steps[place].unassigned = union(
                leaves(of: tree.root).filter { node in
                    !open.granted.contains { $0.lease.node.contains(node) }
                        && !isCovered(open.step, node)
                })
        }
    }

    /// Forgets everything; numbers go on.
    mutating func clear() { steps = [] }

    mutating func close(before version: Version) {
        steps.removeAll { $0.step.index < version.index }
    }

    /// Grants what nobody holds of a step in near-equal shares, the least burdened worker first.
    ///
    /// A worker that refused a slot is not asked for it again.
    mutating func assign(_ step: Step, among workers: [MemberID], at now: Instant) -> [Granted] {
        guard let place = steps.firstIndex(where: { $0.step == step }) else { return [] }
        var granted: [Granted] = []
        for range in steps[place].unassigned {
            let candidates = workers.filter { worker in
                !steps[place].refusals.contains { $0.member == worker && $0.node.overlaps(range) }
            }
            guard !candidates.isEmpty else { continue }
            let burdens = candidates.map { (slots(of: $0, in: steps[place]), $0) }
            let ordered = burdens.sorted { $0 < $1 }.map { $0.1 }
            for (worker, share) in LeaseBook.shares(of: range, among: ordered) {
                for node in tree.cover(of: share) {
                    granted.append(grant(node, at: place, to: worker, now))
                }
            }
        }
        for lease in granted { subtract(lease.lease.node, at: place) }
        return granted
    }

    private func slots(of worker: MemberID, in step: OpenStep) -> Int {
        step.granted.reduce(0) { $0 + ($1.holder == worker ? $1.lease.node.count : 0) }
    }

    /// Cuts a range into near-equal contiguous shares, no more than it has slots.
    static func shares(
        of range: SlotRange, among workers: [MemberID]
    ) -> [(worker: MemberID, share: SlotRange)] {
        let count = min(workers.count, range.count)
        return (0..<count).map { index in
            let lower = range.lower + index * range.count / count
            let upper = range.lower + (index + 1) * range.count / count
            return (workers[index], SlotRange(lower, upper))
        }
    }

    /// Grants one more attempt at a node, whoever else holds it.
    mutating func grantCopy(
        of node: SlotRange, of step: Step, to worker: MemberID, at now: Instant
    ) -> Granted? {
        guard let place = steps.firstIndex(where: { $0.step == step }) else { return nil }
        return grant(node, at: place, to: worker, now)
    }

    private mutating func grant(
        _ node: SlotRange, at place: Int, to worker: MemberID, _ now: Instant
    ) -> Granted {
        lastLease += 1
        steps[place].lastAttempt += 1
        let lease = Lease(
            id: LeaseID(lastLease), step: steps[place].step, node: node,
            attempt: Attempt(steps[place].lastAttempt))
        let granted = Granted(lease: lease, holder: worker, sent: now)
        steps[place].granted.append(granted)
        return granted
    }

    private mutating func subtract(_ node: SlotRange, at place: Int) {
        steps[place].unassigned = steps[place].unassigned.flatMap { range -> [SlotRange] in
            guard range.overlaps(node) else { return [range] }
            var rest: [SlotRange] = []
            if range.lower < node.lower { rest.append(SlotRange(range.lower, node.lower)) }
            if node.upper < range.upper { rest.append(SlotRange(node.upper, range.upper)) }
            return rest
        }
    }

    /// Takes a lease back; its slots are unassigned again unless they are covered or someone else
    /// holds them too.
    mutating func withdraw(
        _ lease: LeaseID, isCovered: (Step, SlotRange) -> Bool
    ) -> Granted? {
        for place in steps.indices {
            guard let index = steps[place].granted.firstIndex(where: { $0.lease.id == lease })
            else { continue }
            let granted = steps[place].granted.remove(at: index)
            for node in leaves(of: granted.lease.node)
            where !isCovered(steps[place].step, node)
                && !steps[place].granted.contains(where: { $0.lease.node.contains(node) })
            {
                steps[place].unassigned = union(steps[place].unassigned + [node])
            }
            return granted
        }
        return nil
    }

    private func leaves(of node: SlotRange) -> [SlotRange] {
        (node.lower..<node.upper).map { SlotRange($0, $0 + 1) }
    }

    mutating func note(_ refusal: Refusal, step: Step) {
        guard let place = steps.firstIndex(where: { $0.step == step }) else { return }
        steps[place].refusals.append(refusal)
    }

    mutating func touch(_ lease: LeaseID, at now: Instant) {
        for place in steps.indices {
            for index in steps[place].granted.indices
            where steps[place].granted[index].lease.id == lease {
                steps[place].granted[index].sent = now
            }
        }
    }

    /// Deals a step out afresh among all workers; leases that stay as they are are not touched.
    mutating func redistribute(
        _ step: Step, among workers: [MemberID], at now: Instant
    ) -> (revoked: [Granted], granted: [Granted]) {
        guard let place = steps.firstIndex(where: { $0.step == step }),
            steps[place].refusals.isEmpty
        else { return ([], []) }
        var revoked = steps[place].granted
        var granted: [Granted] = []
        var kept: [Granted] = []
        for (worker, share) in LeaseBook.shares(of: tree.root, among: workers) {
            for node in tree.cover(of: share) {
                let same = revoked.firstIndex { $0.holder == worker && $0.lease.node == node }
                if let same {
                    kept.append(revoked.remove(at: same))
                } else {
                    granted.append(grant(node, at: place, to: worker, now))
                }
            }
        }
        steps[place].granted = kept + granted
        steps[place].unassigned = []
        return (revoked, granted)
    }
}
