import Foundation

/// Reads what a run's files have come to tell since the last look.
package struct RunFollower {
    private let run: URL
    private var metrics: LineFollower
    private var journal: LineFollower
    private var log: LineFollower
    private let host = ProcessInfo.processInfo.hostName

    /// What the files hold already is of no interest.
    init(run: URL) {
        self.run = run
        metrics = LineFollower(file: run.appendingPathComponent("metrics.jsonl"))
        journal = LineFollower(file: run.appendingPathComponent("journal.jsonl"))
        log = LineFollower(file: ChildLog(.coordinator, run: run).file)
        _ = (metrics.newLines(), journal.newLines(), log.newLines())
    }

    /// Where the coordinator listens; nil before it has bound its address.
    func endpoint() -> String? {
        let file = run.appendingPathComponent("coordinator.endpoint")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// New lines of `metrics.jsonl`.
    mutating func newMetrics() -> [Data] { metrics.newLines() }

    /// New facts of `journal.jsonl`.
    mutating func newFacts() -> [JournalFact] {
        journal.newLines().compactMap { JournalFact(line: $0) }
    }

    /// Processes of this machine that the coordinator has met, by its log.
    mutating func newMembers() -> [Int32] {
        log.newLines().compactMap { line in
            let met = Self.member(String(decoding: line, as: UTF8.self))
            return met?.host == host ? met?.process : nil
        }
    }

    /// Reads "… joined from HOST, process PID".
    package static func member(_ line: String) -> (host: String, process: Int32)? {
        guard let from = line.range(of: " joined from "),
            let comma = line.range(of: ", process ", range: from.upperBound..<line.endIndex),
            let process = Int32(line[comma.upperBound...])
        else { return nil }
        return (String(line[from.upperBound..<comma.lowerBound]), process)
    }
}
