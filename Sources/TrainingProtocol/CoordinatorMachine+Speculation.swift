// A worker that is late gets company: a copy of its lease, which is harmless since the bits agree.
extension CoordinatorMachine {
    /// Grants late leases of the current step to workers that have nothing to do in it.
    mutating func speculate(at now: Instant, into effects: inout [Effect]) {
        guard state == .training, settings.numericsPolicy == .strict, leasesFrom <= now,
            let median = pace.medianMilliseconds,
            let open = book.steps.first(where: { $0.step == committedVersion.nextStep })
        else { return }
        let waited = now.milliseconds(since: advancedAt)
        for granted in open.granted where isLate(granted, open, waited, median, now) {
            guard let helper = idleWorker(open),
                let copy = book.grantCopy(
                    of: granted.lease.node, of: open.step, to: helper, at: now)
            else { return }
            speculated.append(granted.lease.id)
            speculated.append(copy.lease.id)
            effects.append(
                .report(.speculated(copy.lease, to: helper, late: granted.holder)))
            send(copy, into: &effects)
        }
    }

    private func isLate(
        _ granted: LeaseBook.Granted, _ open: LeaseBook.OpenStep, _ waited: UInt64,
        _ median: UInt64, _ now: Instant
    ) -> Bool {
        guard !speculated.contains(granted.lease.id),
            !CoordinatorMachine.isCovered(open.step, granted.lease.node, shards)
        else { return false }
        let slots = open.granted.reduce(0) {
            $0 + ($1.holder == granted.holder ? $1.lease.node.count : 0)
        }
        let allowed = max(
            limits.latenessMilliseconds, limits.lateness * median * UInt64(slots))
        return min(waited, now.milliseconds(since: granted.sent)) > allowed
    }

    /// A worker whose leases of the step are all covered.
    private func idleWorker(_ open: LeaseBook.OpenStep) -> MemberID? {
        eligibleWorkers.first { worker in
            book.leases(of: worker).filter { $0.lease.step == open.step }.allSatisfy {
                CoordinatorMachine.isCovered(open.step, $0.lease.node, shards)
            }
        }
    }
}
