import Glibc
import Simulation

// Runs seeds 1 to the argument until one fails; prints that seed and what it broke, or "none".
guard let last = CommandLine.arguments.dropFirst().first.flatMap(UInt64.init), last > 0 else {
    print("usage: planted LAST-SEED")
    exit(64)
}
let threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
let sweep = SeedSweep.run(1...last, threadCount: threads, patience: .toTheFirstFailure)
if let failure = sweep.failures.first {
    print("\(failure.seed)\t\(failure.violation)")
} else {
    print("none\t\(sweep.seedCount) seeds held")
}
