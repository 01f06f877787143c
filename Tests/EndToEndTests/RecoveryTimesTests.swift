import Foundation
import Testing

extension EndToEnd {
    @Suite(
        "How long a fault stops the run, with the timers of every run",
        .enabled(if: longTestsAreWanted, "takes minutes: set EMEND_TEST_LONG=1"))
    struct RecoveryTimes {
        private static func training(slots: Int = 7) -> TinyRun {
            TinyRun(
                slots: slots, workers: 2, servers: 2,
                overrides: ["phases.main.steps=1000000", "checkpoint.every=10"])
        }

        private struct Run {
            let cluster: HandStartedCluster
            var servers: [RunningProgram]
            var workers: [RunningProgram]

            init(slots: Int = 7, workers count: Int = 2) throws {
                cluster = try HandStartedCluster(
                    training(slots: slots), servers: 2, workers: count)
                servers = try (0..<2).map { [cluster] _ in try cluster.server() }
                workers = try (0..<count).map { [cluster] _ in try cluster.worker() }
            }

            /// Kills a process and returns the longest time without a commit since, in seconds.
            func gap(after victim: RunningProgram) throws -> Double {
                let before = cluster.steps.count
                victim.signal(SIGKILL)
                _ = try victim.end(withinSeconds: 5)
                try cluster.reach(step: before + 15)
                return longestGap(cluster.steps.suffix(from: before - 1).prefix(16))
            }

            func longestGap(_ steps: ArraySlice<StepLine>) -> Double {
                zip(steps.dropFirst(), steps).map { $0.elapsedSeconds - $1.elapsedSeconds }.max()
                    ?? 0
            }

            /// Median of the latest steps, in seconds.
            var stepSeconds: Double {
                let times = cluster.steps.suffix(20).map(\.elapsedSeconds)
                let gaps = zip(times.dropFirst(), times).map { $0 - $1 }.sorted()
                return gaps[gaps.count / 2]
            }

            var living: Int {
                (servers + workers + [cluster.coordinator]).count(where: \.isRunning)
            }
        }

        @Test("kill -9 of a worker: the next commit comes within 1.5 s, or its slots' time")
        func worker() throws {
            let run = try Run()
            try run.cluster.reach(step: 30)
            let step = run.stepSeconds
            let gap = try run.gap(after: run.workers[0])
            // Four of seven slots are granted again to one survivor; a step's seven take two workers
            // the time of four slots.
            let bound = max(1.5, 1 + 4 * step / 4)
            print("worker killed: longest gap \(gap) s, bound \(bound) s, median step \(step) s")
            #expect(gap <= bound)
            #expect(run.living == 4)
        }

        @Test("kill -9 of a server with a backup: the next commit comes within 2 s")
        func server() throws {
            let run = try Run()
            try eventually("both shards have backups; \(run.cluster.coordinator.errors)") {
                run.cluster.coordinator.errors.contains("backups in sync: shards [0, 1]")
            }
            try run.cluster.reach(step: 30)
            let gap = try run.gap(after: run.servers[0])
            print(
                "server killed: longest gap \(gap) s, bound 2 s, median step \(run.stepSeconds) s")
            #expect(gap <= 2)
            #expect(run.living == 4)
        }

        @Test(
            "kill -9 of the coordinator: granted leases are finished; back after 30 s, no step lost"
        )
        func coordinator() throws {
            let run = try Run()
            try run.cluster.reach(step: 30)
            run.cluster.coordinator.signal(SIGKILL)
            _ = try run.cluster.coordinator.end(withinSeconds: 5)
            let committed = run.cluster.steps.count
            usleep(30_000_000)  // How long the coordinator is away, not a wait for something.
            #expect(run.living == 4)
            let back = ContinuousClock.now
            try run.cluster.restartCoordinator()
            // Metrics are cut at the newest checkpoint and told again by the servers.
            try eventually("the run goes on; \(run.cluster.coordinator.errors.prefix(3000))") {
                run.cluster.steps.count > committed + 10
            }
            let seconds = (ContinuousClock.now - back) / .seconds(1)
            let first = try #require(
                CoordinatorLog(run.cluster.coordinator.errors).firstLeasedStep)
            print(
                "coordinator away for 30 s: \(committed) commits reported before, leases from",
                "step \(first) on afterwards, ten more commits \(seconds) s after its start")
            // The current step and the next were granted: both are done, and none is done again.
            #expect(first >= committed + 1)
            #expect(run.living == 5)
            #expect(
                run.cluster.steps.map(\.step) == Array(0..<run.cluster.steps.count))
        }

        @Test(
            "A joiner holds a lease within 1 s, and nobody else waits for it", arguments: [2, 16])
        func joiner(running: Int) throws {
            let run = try Run(slots: running == 2 ? 7 : 24, workers: running)
            try run.cluster.reach(step: 20, withinSeconds: 240)
            let before = run.cluster.steps
            let usual = run.longestGap(before.suffix(20))
            let joiner = try run.cluster.worker()
            var lease: Double?
            try eventually("the joiner holds a lease") {
                lease = CoordinatorLog(run.cluster.coordinator.errors)
                    .secondsToFirstLease(ofProcess: joiner.processIdentifier)
                return lease != nil
            }
            try run.cluster.reach(step: run.cluster.steps.count + 10)
            let seconds = try #require(lease)
            let gap = run.longestGap(run.cluster.steps.suffix(from: before.count - 1))
            print(
                "joiner beside \(running) workers: lease after \(seconds) s, longest gap \(gap) s,",
                "longest of the 20 steps before \(usual) s, median \(run.stepSeconds) s")
            #expect(seconds <= 1)
            // No more than a step's time is lost beside what steps took before.
            #expect(gap <= usual + run.stepSeconds)
            #expect(run.living == 3 + running)
        }
    }
}
