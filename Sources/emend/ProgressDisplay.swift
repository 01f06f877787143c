import Foundation
import Synchronization
import Telemetry

/// A run's progress on standard error, made from its metrics.
final class ProgressDisplay: Sendable {
    /// Steps over which speed and time left are averaged.
    fileprivate static let window = 20

    fileprivate struct State {
        var recent: [(seconds: Double, images: UInt64)] = []
        var images: UInt64 = 0
        var seconds = 0.0
        /// Of the last step, by the clock of this start of the coordinator.
        var lastSeconds: Double?
    }

    private let output = TerminalOutput()
    private let reporter: ProgressReporter
    private let state = Mutex(State())

    init(style: ProgressStyle) {
        let environment = ProcessInfo.processInfo.environment
        let mode =
            style.mode
            ?? .automatic(isTerminal: output.isTerminal, environment: environment)
        reporter = ProgressReporter(
            mode,
            colour: .automatic(isTerminal: output.isTerminal, environment: environment),
            output: output)
    }

    /// Images per second from the first step that was shown to the last, without the times in which
    /// a coordinator started.
    var imagesPerSecond: Double {
        state.withLock { $0.seconds > 0 ? Double($0.images) / $0.seconds : 0 }
    }

    func show(_ metrics: StepMetrics) {
        let speed = state.withLock { state in state.add(metrics) }
        let stepsLeft = Double(metrics.steps - metrics.step - 1)
        let names = ["total", "labelled", "weak", "corrector"]
        reporter.report(
            ProgressState(
                phase: metrics.phase, step: metrics.phaseStep, stepCount: metrics.phaseSteps,
                losses: names.compactMap { name in
                    guard let value = metrics.losses[name], name == "total" || value != 0 else {
                        return nil
                    }
                    return ProgressState.Loss(name == "total" ? "loss" : name, value)
                },
                imagesPerSecond: speed.imagesPerSecond,
                secondsLeft: speed.secondsPerStep.map { $0 * stepsLeft },
                workers: metrics.workers), at: metrics.elapsedSeconds)
    }

    func note(_ text: String) { output.write(line: text) }

    func finish() { reporter.finish() }
}

extension ProgressDisplay.State {
    /// Takes a step in and gives the speed of late.
    fileprivate mutating func add(_ metrics: StepMetrics)
        -> (imagesPerSecond: Double, secondsPerStep: Double?)
    {
        // The first step's time holds the start-up, as does that after another start.
        if let lastSeconds, lastSeconds <= metrics.elapsedSeconds {
            images += metrics.images
            seconds += metrics.elapsedSeconds - lastSeconds
        } else {
            recent = []
        }
        lastSeconds = metrics.elapsedSeconds
        recent.append((metrics.elapsedSeconds, metrics.images))
        if recent.count > ProgressDisplay.window + 1 { recent.removeFirst() }
        let span = metrics.elapsedSeconds - recent[0].seconds
        guard recent.count > 1, span > 0 else { return (0, nil) }
        let images = recent.dropFirst().reduce(0) { $0 + $1.images }
        return (Double(images) / span, span / Double(recent.count - 1))
    }
}

/// What `--progress` takes.
enum ProgressStyle: String, CaseIterable {
    case auto, bar, plain, json, off

    var mode: ProgressMode? {
        switch self {
        case .auto: nil
        case .bar: .bar
        case .plain: .plain
        case .json: .json
        case .off: .off
        }
    }
}
