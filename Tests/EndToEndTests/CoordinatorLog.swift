import Foundation

/// What a coordinator's log at level debug tells, and when.
struct CoordinatorLog {
    private let lines: [Substring]

    init(_ text: String) { lines = text.split(separator: "\n") }

    /// Seconds of the day, to the millisecond, at which a line says `text`.
    private static func seconds(of line: Substring) -> Double? {
        let parts = line.prefix { $0 != " " }.split(separator: ":").compactMap { Double($0) }
        return parts.count == 3 ? (parts[0] * 60 + parts[1]) * 60 + parts[2] : nil
    }

    /// From the greeting of the worker with this process id to its first lease, in seconds; nil
    /// while it has none.
    func secondsToFirstLease(ofProcess id: Int32) -> Double? {
        guard let greeting = lines.firstIndex(where: { $0.hasSuffix("process \(id)") }),
            let member = lines[greeting].split(separator: " ").drop(while: { $0 != "worker" })
                .dropFirst().first,
            let lease = lines[greeting...].first(where: {
                $0.contains(" leased(") && $0.hasSuffix(", to: \(member))")
            }),
            let (begin, end) = Self.both(Self.seconds(of: lines[greeting]), Self.seconds(of: lease))
        else { return nil }
        // A day may have ended between the two.
        return end < begin ? end + 86_400 - begin : end - begin
    }

    private static func both(_ first: Double?, _ second: Double?) -> (Double, Double)? {
        guard let first, let second else { return nil }
        return (first, second)
    }

    /// The step of the first lease that it granted.
    var firstLeasedStep: Int? {
        lines.first { $0.contains(" leased(") }.flatMap { line in
            line.firstRange(of: "step: ").flatMap {
                Int(line[$0.upperBound...].prefix { $0.isNumber })
            }
        }
    }
}
