import Glibc

/// Holds the thread that works in the background to a twentieth of a processor while training
/// needs them all: after each piece of work it rests.
///
/// A low priority alone does not spare the step. Its threads wait for each other now and then, the
/// background work takes the processor that is idle for that moment, and keeps it a little longer.
package final class BackgroundPace {
    /// Of one processor.
    package static let share = 0.05

    private let makesWay: @Sendable () -> Bool
    private let workedSeconds: () -> Double
    private let sleep: (Double) -> Void
    private var restedAtSeconds: Double

    /// - Parameters:
    ///   - makesWay: whether training goes on at this moment; otherwise there is no rest.
    ///   - workedSeconds: processor time of the thread that works.
    ///   - sleep: waits for so many seconds.
    package init(
        makesWay: @escaping @Sendable () -> Bool,
        workedSeconds: @escaping () -> Double = threadWorkSeconds,
        sleep: @escaping (Double) -> Void = waitAtRest
    ) {
        self.makesWay = makesWay
        self.workedSeconds = workedSeconds
        self.sleep = sleep
        restedAtSeconds = workedSeconds()
    }

    /// To be called after each piece of work: some milliseconds, so that no single one is felt.
    package func rest() {
        let worked = workedSeconds()
        if makesWay() { sleep((worked - restedAtSeconds) * (1 / Self.share - 1)) }
        restedAtSeconds = worked
    }
}

package func threadWorkSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

package func waitAtRest(seconds: Double) {
    var time = timespec(
        tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
    nanosleep(&time, nil)
}
