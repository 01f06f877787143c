import Synchronization
import TrainingProtocol

/// When a process's writing of checkpoints makes way for training: while steps are committed, and no
/// other checkpoint waits for the one that is being written.
package final class CheckpointPace: Sendable {
    private struct State {
        var lastStep: Step?
        var committedAt: ContinuousClock.Instant?
        var stepDuration = Duration.zero
        var writeCount = 0
    }

    /// A step that is this many times late is not coming: training has stopped.
    private static let patience = 3
    private static let shortestPatience = Duration.seconds(1)

    private let state = Mutex(State())

    package init() {}

    /// A step was committed; of its further shards nothing is learned.
    package func note(_ step: Step, at now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            guard state.lastStep != step else { return }
            if let previous = state.committedAt { state.stepDuration = now - previous }
            (state.lastStep, state.committedAt) = (step, now)
        }
    }

    package func beginWrite() { state.withLock { $0.writeCount += 1 } }

    package func endWrite() { state.withLock { $0.writeCount -= 1 } }

    package func makesWay(at now: ContinuousClock.Instant = .now) -> Bool {
        state.withLock { state in
            guard let committedAt = state.committedAt, state.writeCount <= 1 else { return false }
            return now - committedAt
                < max(Self.shortestPatience, state.stepDuration * Self.patience)
        }
    }
}
