import Dispatch
import Synchronization
import TrainingProtocol

/// Many seeds on several threads, and what they came to.
package struct SeedSweep: Sendable {
    /// Whether a failing seed ends the sweep.
    package enum Patience: Sendable {
        case toTheEnd
        /// Seeds that have begun are finished.
        case toTheFirstFailure
    }

    package private(set) var seedCount: UInt64 = 0
    package private(set) var completedCount = 0
    package private(set) var stoppedCount = 0
    package private(set) var eventCount = 0
    package private(set) var virtualMilliseconds: UInt64 = 0
    package private(set) var rollBackCount = 0
    package private(set) var promotionCount = 0
    package private(set) var resumptionCount = 0
    /// By seed.
    package private(set) var failures: [SimulationFailure] = []

    /// Runs the seeds.
    ///
    /// - Parameters:
    ///   - threadCount: at least 1.
    ///   - progress: is told now and then, from any thread, how many seeds have ended and failed.
    package static func run(
        _ seeds: ClosedRange<UInt64>, threadCount: Int, patience: Patience = .toTheEnd,
        progress: @escaping @Sendable (SeedSweep) -> Void = { _ in }
    ) -> SeedSweep {
        let state = Mutex((next: seeds.lowerBound, sweep: SeedSweep()))
        DispatchQueue.concurrentPerform(iterations: threadCount) { _ in
            while true {
                let seed = state.withLock { state -> UInt64? in
                    let isOver = patience == .toTheFirstFailure && !state.sweep.failures.isEmpty
                    guard state.next <= seeds.upperBound, !isOver else { return nil }
                    state.next += 1
                    return state.next - 1
                }
                guard let seed else { return }
                let ended = outcome(of: seed)
                let sweep = state.withLock { state in
                    state.sweep.add(ended)
                    return state.sweep
                }
                if sweep.seedCount.isMultiple(of: 100) { progress(sweep) }
            }
        }
        return state.withLock { $0.sweep }
    }

    private static func outcome(
        of seed: UInt64
    ) -> Result<Simulation.Outcome, SimulationFailure> {
        do { return .success(try Simulation.run(seed: seed)) } catch { return .failure(error) }
    }

    private mutating func add(_ ended: Result<Simulation.Outcome, SimulationFailure>) {
        seedCount += 1
        switch ended {
        case .success(let outcome):
            eventCount += outcome.eventCount
            virtualMilliseconds += outcome.virtualMilliseconds
            if outcome.termination == .completed { completedCount += 1 } else { stoppedCount += 1 }
            for observation in outcome.observations { count(observation) }
        case .failure(let failure):
            let place = failures.firstIndex { failure.seed < $0.seed } ?? failures.count
            failures.insert(failure, at: place)
        }
    }

    private mutating func count(_ observation: Observation) {
        switch observation {
        case .rolledBack: rollBackCount += 1
        case .promoted: promotionCount += 1
        case .resumed: resumptionCount += 1
        default: break
        }
    }
}
