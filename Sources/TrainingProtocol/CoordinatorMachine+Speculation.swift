// A worker that is late gets company: a copy of its lease, which is harmless since the bits agree.
// From then on it is on trial: nobody waits for it until it has finished something.
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
            putOnTrial(granted.holder, in: open.step, at: now, into: &effects)
        }
        offerTrials(open, at: now, into: &effects)
    }

    /// Workers that the step may depend on: all but those on trial, as long as there are others.
    var relied: [MemberID] {
        let relied = eligibleWorkers.filter { !onTrial.contains($0) }
        return relied.isEmpty ? eligibleWorkers : relied
    }

    /// Gives what the worker holds of later steps to others, who are not known to be late.
    private mutating func putOnTrial(
        _ worker: MemberID, in step: Step, at now: Instant, into effects: inout [Effect]
    ) {
        guard !onTrial.contains(worker) else { return }
        onTrial.append(worker)
        guard let member = members.first(where: { $0.id == worker }) else { return }
        for granted in book.leases(of: worker) where step < granted.lease.step {
            withdraw(granted.lease.id)
            speaker.send(.leaseRevoked(granted.lease.id), to: member.peer, into: &effects)
        }
        lease(at: now, into: &effects)
    }

    /// Gives each worker on trial a copy of what another computes: it shows whether it is back.
    private mutating func offerTrials(
        _ open: LeaseBook.OpenStep, at now: Instant, into effects: inout [Effect]
    ) {
        for worker in eligibleWorkers
        where onTrial.contains(worker) && book.leases(of: worker).isEmpty {
            let uncovered = open.granted.first {
                !CoordinatorMachine.isCovered(open.step, $0.lease.node, shards)
            }
            guard let uncovered,
                let copy = book.grantCopy(
                    of: uncovered.lease.node, of: open.step, to: worker, at: now)
            else { return }
            speculated.append(copy.lease.id)
            send(copy, into: &effects)
        }
    }

    /// A worker that finished something need not be tried any longer.
    mutating func rely(on worker: MemberID) { onTrial.removeAll { $0 == worker } }

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
        relied.first { worker in
            book.leases(of: worker).filter { $0.lease.step == open.step }.allSatisfy {
                CoordinatorMachine.isCovered(open.step, $0.lease.node, shards)
            }
        }
    }
}
