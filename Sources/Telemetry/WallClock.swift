import Glibc

/// A moment in UTC, for humans: nothing is decided by it.
public struct WallClock: Sendable, Equatable {
    /// Milliseconds since 1970.
    public var milliseconds: Int

    /// The moment so many milliseconds after the start of 1970.
    public init(milliseconds: Int) { self.milliseconds = milliseconds }

    /// The present moment, from the system's clock.
    public static var now: WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallClock(milliseconds: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
    }

    /// RFC 3339 with milliseconds: `2026-11-23T16:05:12.123Z`.
    public var text: String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = [
            padded(Int(parts.tm_year) + 1900, 4), padded(Int(parts.tm_mon) + 1, 2),
            padded(Int(parts.tm_mday), 2),
        ].joined(separator: "-")
        return date + "T" + timeOfDay(parts) + "Z"
    }

    /// `16:05:12.123`, in UTC.
    var timeText: String { String(text.dropFirst(11).dropLast()) }

    private func timeOfDay(_ parts: tm) -> String {
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }
        return clock.joined(separator: ":") + "." + padded(milliseconds % 1000, 3)
    }
}

/// A number with leading zeros.
func padded(_ value: Int, _ digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
