/// What the progress line shows.
public struct ProgressState: Sendable, Equatable {
    /// A named number of the line.
    public struct Loss: Sendable, Equatable {
        /// What stands before the number, as `loss`.
        public var name: String
        /// Shown with four decimals, in JSON in full.
        public var value: Double

        /// A loss of this name and value.
        public init(_ name: String, _ value: Double) {
            self.name = name
            self.value = value
        }
    }

    /// Name of the phase, as `main`.
    public var phase: String
    /// Commits in the phase.
    public var step: Int
    /// Steps of the phase.
    public var stepCount: Int
    /// The losses in the order in which the line shows them.
    public var losses: [Loss]
    /// Speed of late, in images per second.
    public var imagesPerSecond: Double
    /// Estimated seconds until the run ends; nil where there is no estimate yet.
    public var secondsLeft: Double?
    /// Workers that take part.
    public var workers: Int

    /// The state as given; nothing is checked.
    public init(
        phase: String, step: Int, stepCount: Int, losses: [Loss], imagesPerSecond: Double,
        secondsLeft: Double?, workers: Int
    ) {
        self.phase = phase
        self.step = step
        self.stepCount = stepCount
        self.losses = losses
        self.imagesPerSecond = imagesPerSecond
        self.secondsLeft = secondsLeft
        self.workers = workers
    }

    /// Share of the phase that is done, 0...1.
    public var fraction: Double {
        stepCount > 0 ? min(1, max(0, Double(step) / Double(stepCount))) : 0
    }
}

/// Whether escape sequences for colour are written.
public enum ColourUse: Sendable { case allowed, none }

extension ProgressState {
    /// The line for a log: everything, in plain words.
    public var plainLine: String { parts.joined(separator: "  ") }

    /// The line for a terminal: a bar and as many of the parts, in order of importance, as fit into
    /// `width` columns without wrapping.
    public func barLine(width: Int, colour: ColourUse) -> String {
        // A line of full width would wrap on some terminals.
        let room = max(0, width - 1)
        var shown: [String] = []
        var used = 0
        for part in parts {
            let needed = part.count + (shown.isEmpty ? 0 : 2)
            guard used + needed <= room else { break }
            shown.append(part)
            used += needed
        }
        guard let head = shown.first else { return String(parts[0].prefix(room)) }
        var line = head
        let barWidth = min(24, room - used - 4)
        if barWidth >= 6 {
            let filled = Int((fraction * Double(barWidth)).rounded(.down))
            let bar =
                String(repeating: "=", count: filled)
                + String(repeating: " ", count: barWidth - filled)
            line += "  [" + (colour == .allowed ? "\u{1B}[32m\(bar)\u{1B}[0m" : bar) + "]"
        }
        return ([line] + shown.dropFirst()).joined(separator: "  ")
    }

    /// In order of importance.
    private var parts: [String] {
        var parts = ["\(phase) \(step)/\(stepCount)"]
        if let secondsLeft { parts.append("\(Self.duration(secondsLeft)) left") }
        for loss in losses { parts.append("\(loss.name) \(Self.decimal(loss.value, digits: 4))") }
        parts.append("\(Self.decimal(imagesPerSecond, digits: 1)) images/s")
        parts.append(workers == 1 ? "1 worker" : "\(workers) workers")
        return parts
    }

    /// `45s`, `12m05s`, `3h07m`, `2d04h`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
        let whole = Int(seconds.rounded(.up))
        let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86_400)
        if days > 0 { return "\(days)d\(padded(hours % 24, 2))h" }
        if hours > 0 { return "\(hours)h\(padded(minutes % 60, 2))m" }
        if minutes > 0 { return "\(minutes)m\(padded(whole % 60, 2))s" }
        return "\(whole)s"
    }

    /// A number with a fixed count of decimals, in exponent form where it is out of the usual
    /// range.
    static func decimal(_ value: Double, digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e6 else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((abs(value) * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return "\(sign)\(scaled / Int(scale)).\(padded(scaled % Int(scale), digits))"
    }
}
