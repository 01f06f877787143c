import TrainingProtocol

/// One simulated run: what is trained, who trains it, and what goes wrong.
package struct SimulationOptions: Sendable, Equatable {
    // The run
    package var slotCount = 4
    package var serverCount = 2
    package var workerCount = 2
    package var checkpointInterval: UInt64 = 3
    package var stepsPerPhase: UInt64 = 3
    /// Commits by which the parameters that a step reads may be behind it.
    package var lag: UInt64 = 0
    package var gradientFormat = GradientFormat.float32
    /// The run begins at a checkpoint of this version, made with another number of servers.
    package var startVersion: UInt64 = 0
    /// Newest checkpoints that retention spares.
    package var checkpointsKept = 2
    /// One slot in so many yields a non-finite gradient, 0 for none.
    package var nonFiniteOneIn: UInt64 = 0
    /// Longest delay of a message, longest time of a slot, longest wait for the disk.
    package var delayMilliseconds: UInt64 = 20
    package var slotMilliseconds: UInt64 = 30
    package var diskMilliseconds: UInt64 = 2

    // What goes wrong until `faultsEndMilliseconds`; after that the run must finish.
    package var faultsEndMilliseconds: UInt64 = 0
    /// Mean time between crashes of a process of the role, 0 for none.
    package var workerCrashMilliseconds: UInt64 = 0
    package var serverCrashMilliseconds: UInt64 = 0
    package var coordinatorCrashMilliseconds: UInt64 = 0
    /// Mean time between the deaths of all processes at once, 0 for none.
    package var blackoutMilliseconds: UInt64 = 0
    /// Longest time until a dead process is started again.
    package var restartMilliseconds: UInt64 = 300
    /// Mean time between pauses of some process, 0 for none; a pause lasts up to 5 s.
    package var pauseMilliseconds: UInt64 = 0
    /// Mean time between partitions of some links, 0 for none; one lasts up to 3 s.
    package var partitionMilliseconds: UInt64 = 0
    /// Mean time between requests to a worker, or a server, to leave; another one joins for it.
    package var workerLeaveMilliseconds: UInt64 = 0
    package var serverLeaveMilliseconds: UInt64 = 0
    /// Mean time between joins of a further worker or server, 0 for none; at most three of each.
    package var workerJoinMilliseconds: UInt64 = 0
    package var serverJoinMilliseconds: UInt64 = 0
    /// One message in so many is lost, arrives twice, or arrives out of order; 0 for none.
    package var lossOneIn: UInt64 = 0
    package var duplicateOneIn: UInt64 = 0
    package var reorderOneIn: UInt64 = 0
    /// One push in so many arrives with a flipped bit, 0 for none.
    package var corruptOneIn: UInt64 = 0
    /// One operation on the files of checkpoints in so many fails, 0 for none.
    package var diskFailureOneIn: UInt64 = 0
    /// One operation on journal or ledger in so many fails, 0 for none: that ends a coordinator.
    package var journalFailureOneIn: UInt64 = 0
    /// Clocks run up to a tenth too fast or too slow.
    package var clockSkew = ClockSkew.none

    /// What goes wrong at moments of the test's choice, besides.
    package var script: [ScriptedFault] = []
    /// When the operator stops the run, if at all.
    package var stopMilliseconds: UInt64?
    /// In virtual time, from the end of the faults.
    package var deadlineMilliseconds: UInt64 = 300_000
    package var limits = SimulationOptions.testLimits

    /// Whether the processes' clocks agree.
    package enum ClockSkew: Sendable, Equatable {
        case none, tenth
    }

    package init() {}

    /// Short timers; few bytes in flight, so that queues fill.
    package static var testLimits: Limits {
        var limits = Limits()
        limits.heartbeatIntervalMilliseconds = 200
        limits.silenceMilliseconds = 1_500
        limits.suspicionMilliseconds = 300
        limits.coordinatorSilenceMilliseconds = 60_000
        limits.serverSilenceMilliseconds = 20_000
        limits.rejoinMilliseconds = 2_000
        limits.leaseGraceMilliseconds = 500
        limits.retryMilliseconds = 500
        limits.joinMilliseconds = 60_000
        limits.firstLeasesMilliseconds = 2_000
        limits.waitReportMilliseconds = 2_000
        limits.stepMilliseconds = 120_000
        limits.idleMilliseconds = 120_000
        limits.checkpointMilliseconds = 60_000
        limits.latenessMilliseconds = 500
        limits.pullByteCountInFlight = 48
        limits.pushByteCountInFlight = 48
        return limits
    }

    /// Options drawn from a seed: each kind of fault is on in some of the seeds.
    package static func swarm(seed: UInt64) -> SimulationOptions {
        var random = SplitMix64(seed: SplitMix64.mix(seed ^ 0x5eed))
        var options = SimulationOptions()
        options.slotCount = [1, 3, 4, 7, 8][Int(random.below(5))]
        options.serverCount = 1 + Int(random.below(3))
        options.workerCount = 1 + Int(random.below(5))
        options.delayMilliseconds = [1, 5, 40][Int(random.below(3))]
        options.slotMilliseconds = [1, 30, 100][Int(random.below(3))]
        options.diskMilliseconds = [1, 10, 100][Int(random.below(3))]
        options.stepsPerPhase = 2 + random.below(6)
        options.checkpointInterval = 1 + random.below(5)
        if random.happens(oneIn: 4) {
            options.startVersion = 1 + random.below(3 * options.stepsPerPhase - 1)
        }
        if random.happens(oneIn: 4) { options.nonFiniteOneIn = 5 + random.below(20) }
        options.drawFaults(&random)
        options.checkpointsKept = 1 + Int(random.below(3))
        options.lag = random.below(3)
        options.gradientFormat = random.happens(oneIn: 3) ? .bfloat16 : .float32
        return options
    }

    private mutating func drawFaults(_ random: inout SplitMix64) {
        faultsEndMilliseconds = 2_000 + random.below(6_000)
        restartMilliseconds = [50, 300, 2_500][Int(random.below(3))]
        func interval(oneIn chance: UInt64, _ least: UInt64) -> UInt64 {
            random.happens(oneIn: chance) ? least + random.below(3 * least) : 0
        }
        workerCrashMilliseconds = interval(oneIn: 2, 700)
        serverCrashMilliseconds = interval(oneIn: 2, 1_000)
        coordinatorCrashMilliseconds = interval(oneIn: 2, 1_000)
        blackoutMilliseconds = interval(oneIn: 8, 3_000)
        pauseMilliseconds = interval(oneIn: 3, 1_000)
        partitionMilliseconds = interval(oneIn: 3, 1_000)
        workerLeaveMilliseconds = interval(oneIn: 3, 1_500)
        serverLeaveMilliseconds = interval(oneIn: 4, 2_000)
        workerJoinMilliseconds = interval(oneIn: 3, 1_000)
        serverJoinMilliseconds = interval(oneIn: 3, 1_500)
        lossOneIn = random.happens(oneIn: 3) ? 20 + random.below(80) : 0
        duplicateOneIn = random.happens(oneIn: 2) ? 5 + random.below(40) : 0
        reorderOneIn = random.happens(oneIn: 3) ? 10 + random.below(40) : 0
        corruptOneIn = random.happens(oneIn: 3) ? 40 + random.below(40) : 0
        diskFailureOneIn = random.happens(oneIn: 4) ? 20 + random.below(100) : 0
        journalFailureOneIn = random.happens(oneIn: 8) ? 20 + random.below(40) : 0
        clockSkew = random.happens(oneIn: 3) ? .tenth : .none
    }
}
