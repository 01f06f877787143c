import Foundation

/// The results of the chaos matrix as lines of a Markdown table.
///
/// `scripts/chaos.sh` names the file in `EMEND_CHAOS_TABLE` and puts a title over it.
enum ChaosTable {
    static func append(_ run: ChaosRun, _ result: RunResult, rollBacks: Int) throws {
        guard let path = ProcessInfo.processInfo.environment["EMEND_CHAOS_TABLE"] else { return }
        if !FileManager.default.fileExists(atPath: path) {
            try Data().write(to: URL(fileURLWithPath: path))
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seekToEnd()
        let cells = [
            "\(run.chaos.workers)", "\(run.chaos.servers)", run.chaos.faults.rawValue,
            "\(run.landed.count)", "\(rollBacks)", "\(run.resumes)",
            try "\(medianStepMilliseconds(run.path))", String(format: "%.0f", run.seconds),
            "`\(result.parametersSHA256.prefix(16))…`",
        ]
        try file.write(contentsOf: Data(("| " + cells.joined(separator: " | ") + " |\n").utf8))
    }

    private static func medianStepMilliseconds(_ run: String) throws -> Int {
        let times = try StepLine.all(ofRun: run).map(\.elapsedSeconds)
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }.filter { $0 > 0 }.sorted()
        return gaps.isEmpty ? 0 : Int(1000 * gaps[gaps.count / 2])
    }
}
