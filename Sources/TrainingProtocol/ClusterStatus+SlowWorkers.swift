extension ClusterStatus {
    /// Workers whose median slot takes more than one and a half times as long as that of the median
    /// worker, by id; none where fewer than two workers' times are known.
    package var slowWorkers: [MemberID] {
        let timed = members.filter { $0.role == .worker && $0.slotMilliseconds > 0 }
        guard timed.count > 1 else { return [] }
        // Of two, the faster one: one of them may be slow.
        let median = timed.map(\.slotMilliseconds).sorted()[(timed.count - 1) / 2]
        return timed.filter { 2 * $0.slotMilliseconds > 3 * median }.map(\.member)
    }
}
