import Foundation

/// What a launcher wants to know of the facts in a run's `journal.jsonl`.
public enum JournalFact: Equatable, Sendable {
    /// The desired scale.
    case workersWanted(Int)
    /// All steps are committed and their last checkpoint is on disk.
    case completed
    /// Stopped on request; the run may be continued.
    case stopped

    /// Reads one line; nil for any other fact, and for a line that is none.
    public init?(line: Data) {
        struct Line: Decodable { var entry: Fact }
        struct Fact: Decodable {
            var fact: String
            var workers: Int?
            var outcome: Int?
        }
        guard let fact = try? JSONDecoder().decode(Line.self, from: line).entry else { return nil }
        switch (fact.fact, fact.workers, fact.outcome) {
        case ("workers_wanted", let count?, _) where count > 0: self = .workersWanted(count)
        case ("finished", _, 1?): self = .completed
        case ("finished", _, 2?): self = .stopped
        default: return nil
        }
    }

    /// The facts in a run's journal, oldest first; none where there is no journal.
    public static func all(run: String) -> [JournalFact] {
        let data = FileManager.default.contents(atPath: run + "/journal.jsonl") ?? Data()
        return data.split(separator: UInt8(ascii: "\n")).compactMap { JournalFact(line: $0) }
    }
}
