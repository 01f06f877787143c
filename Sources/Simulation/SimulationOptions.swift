import TrainingProtocol

/// One simulated run: what is trained, who trains it, and what goes wrong.
package struct SimulationOptions: Sendable, Equatable {
    package var slotCount = 4
    package var serverCount = 2
    package var workerCount = 2
    /// Workers that join later, one after the other.
    package var joinerCount = 0
    /// Workers that crash; there are always joiners enough to go on.
    package var crashCount = 0
    /// Workers that are asked to stop.
    package var drainCount = 0
    /// One push in so many arrives twice, 0 for none.
    package var duplicateOneIn: UInt64 = 0
    /// One push in so many arrives with a flipped bit, 0 for none.
    package var corruptOneIn: UInt64 = 0
    /// One message in so many is lost, 0 for none.
    package var lossOneIn: UInt64 = 0
    /// Longest delay of a message and longest time of a slot.
    package var delayMilliseconds: UInt64 = 20
    package var slotMilliseconds: UInt64 = 30
    /// One slot in so many yields a non-finite gradient, 0 for none.
    package var nonFiniteOneIn: UInt64 = 0
    package var checkpointInterval: UInt64 = 3
    package var stepsPerPhase: UInt64 = 3
    /// The run goes on from a checkpoint of this version, made with another number of servers.
    package var startVersion: UInt64 = 0
    /// When the operator stops the run, if at all.
    package var stopMilliseconds: UInt64?
    /// When a server dies, if at all.
    package var serverCrashMilliseconds: UInt64?
    /// In virtual time.
    package var deadlineMilliseconds: UInt64 = 600_000
    package var limits = SimulationOptions.testLimits

    package init() {}

    /// Short timers; few bytes in flight, so that queues fill.
    package static var testLimits: Limits {
        var limits = Limits()
        limits.heartbeatIntervalMilliseconds = 200
        limits.silenceMilliseconds = 1_500
        limits.coordinatorSilenceMilliseconds = 10_000
        limits.retryMilliseconds = 500
        limits.joinMilliseconds = 20_000
        limits.firstLeasesMilliseconds = 2_000
        limits.waitReportMilliseconds = 2_000
        limits.stepMilliseconds = 120_000
        limits.idleMilliseconds = 120_000
        limits.checkpointMilliseconds = 60_000
        limits.pullByteCountInFlight = 48
        limits.pushByteCountInFlight = 48
        return limits
    }

    /// Options drawn from a seed: each fault is on in about half of the seeds.
    package static func swarm(seed: UInt64) -> SimulationOptions {
        var random = SplitMix64(seed: SplitMix64.mix(seed ^ 0x5eed))
        var options = SimulationOptions()
        options.slotCount = [1, 3, 4, 7, 8][Int(random.below(5))]
        options.serverCount = 1 + Int(random.below(3))
        options.workerCount = 1 + Int(random.below(5))
        if random.happens(oneIn: 2) { options.joinerCount = 1 + Int(random.below(3)) }
        if random.happens(oneIn: 2) {
            options.crashCount = 1 + Int(random.below(3))
            options.joinerCount += options.crashCount
        }
        if random.happens(oneIn: 3) {
            options.drainCount = 1
            options.joinerCount += 1
        }
        if random.happens(oneIn: 2) { options.duplicateOneIn = 2 + random.below(6) }
        if random.happens(oneIn: 3) { options.corruptOneIn = 40 + random.below(40) }
        if random.happens(oneIn: 3) { options.lossOneIn = 20 + random.below(80) }
        if random.happens(oneIn: 3) { options.nonFiniteOneIn = 5 + random.below(20) }
        options.delayMilliseconds = [1, 20, 100][Int(random.below(3))]
        options.slotMilliseconds = [1, 30, 200][Int(random.below(3))]
        options.stepsPerPhase = 2 + random.below(4)
        options.checkpointInterval = 1 + random.below(5)
        if random.happens(oneIn: 4) {
            options.startVersion = 1 + random.below(3 * options.stepsPerPhase)
        }
        return options
    }
}
