/// How much of its time a worker holds a lease and waits for the parameters that its step reads.
struct PullWait: Sendable {
    /// An average over the last jobs, in thousandths of the time from the end of one job to that of the
    /// next.
    private(set) var permille: UInt32 = 0
    private var lastEnd: Instant?
    private var began: Instant?
    private var waitedNanoseconds: UInt64 = 0

    /// No job runs, and the next one lacks parameters.
    mutating func begin(at now: Instant) {
        if began == nil { began = now }
    }

    /// The next job begins, or there is none.
    mutating func end(at now: Instant) {
        guard let began else { return }
        waitedNanoseconds += now.nanoseconds - began.nanoseconds
        self.began = nil
    }

    mutating func finishJob(at now: Instant) {
        if let lastEnd, lastEnd < now {
            let span = now.nanoseconds - lastEnd.nanoseconds
            permille = (3 * permille + UInt32(1_000 * waitedNanoseconds / span)) / 4
        }
        lastEnd = now
        waitedNanoseconds = 0
    }
}
