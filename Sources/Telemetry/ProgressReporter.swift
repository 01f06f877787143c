import Synchronization

/// How progress is shown.
public enum ProgressMode: String, Sendable, CaseIterable {
    /// One redrawn line.
    case bar
    /// A whole line now and then.
    case plain
    /// A JSON line now and then.
    case json
    case off

    /// `bar` where a person watches a terminal that can redraw a line, else `plain`.
    public static func automatic(
        isTerminal: Bool, environment: [String: String]
    ) -> ProgressMode {
        let isContinuousIntegration = !(environment["CI"] ?? "").isEmpty
        return isTerminal && environment["TERM"] != "dumb" && !isContinuousIntegration
            ? .bar : .plain
    }
}

extension ColourUse {
    /// Colour only on a terminal that has it and where NO_COLOR (no-color.org) is not set.
    public static func automatic(
        isTerminal: Bool, environment: [String: String]
    ) -> ColourUse {
        isTerminal && environment["TERM"] != "dumb" && (environment["NO_COLOR"] ?? "").isEmpty
            ? .allowed : .none
    }
}

/// Decides when progress is shown: a bar at most ten times a second; a line every 10 seconds or 5 %
/// of the phase; the first and the last step of a phase always.
public struct ProgressPacer: Sendable {
    private let mode: ProgressMode
    private var phase: String?
    private var lastSeconds = -Double.infinity
    private var lastTwentieth = 0
    private var lastStep = -1

    /// A pacer that has shown nothing yet.
    public init(_ mode: ProgressMode) { self.mode = mode }

    /// Whether to show `state` at `seconds` of a monotonic clock.
    public mutating func isDue(_ state: ProgressState, at seconds: Double) -> Bool {
        guard mode != .off, state.phase != phase || state.step != lastStep || mode == .bar else {
            return false
        }
        let twentieth = Int(state.fraction * 20)
        let isNewPhase = state.phase != phase
        let isEnd = state.step >= state.stepCount && state.step != lastStep
        let isDue =
            switch mode {
            case .bar: seconds - lastSeconds >= 0.1
            case .plain, .json: seconds - lastSeconds >= 10 || twentieth > lastTwentieth
            case .off: false
            }
        guard isNewPhase || isEnd || isDue else { return false }
        phase = state.phase
        lastSeconds = seconds
        lastTwentieth = twentieth
        lastStep = state.step
        return true
    }
}

/// Shows progress on a `TerminalOutput`.
public final class ProgressReporter: Sendable {
    private let mode: ProgressMode
    private let colour: ColourUse
    private let output: TerminalOutput
    private let pacer: Mutex<ProgressPacer>

    /// Shows states in the form of `mode`; `colour` concerns the bar only.
    public init(_ mode: ProgressMode, colour: ColourUse, output: TerminalOutput) {
        self.mode = mode
        self.colour = colour
        self.output = output
        pacer = Mutex(ProgressPacer(mode))
    }

    /// Shows `state` if it is due.
    ///
    /// - Parameter seconds: of a monotonic clock.
    public func report(_ state: ProgressState, at seconds: Double) {
        guard pacer.withLock({ $0.isDue(state, at: seconds) }) else { return }
        switch mode {
        case .bar: output.show(status: state.barLine(width: output.width ?? 80, colour: colour))
        case .plain: output.write(line: state.plainLine)
        case .json: output.write(line: state.json)
        case .off: break
        }
    }

    /// Ends the redrawn line; call it before anything else is printed for good.
    public func finish() { output.finishStatus() }
}

extension ProgressState {
    var json: String {
        let losses = losses.map { JSONField($0.name, .number($0.value)) }
        return JSONValue.object([
            .init("event", .string("progress")), .init("phase", .string(phase)),
            .init("step", .integer(step)), .init("steps", .integer(stepCount)),
            .init("losses", .object(losses)), .init("images_per_s", .number(imagesPerSecond)),
            .init("seconds_left", secondsLeft.map(JSONValue.number) ?? .null),
            .init("workers", .integer(workers)),
        ]).text
    }
}
