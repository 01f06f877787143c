import ArgumentParser
import Foundation
import Launcher
import Roles

/// `emend status`: how a run stands.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a run's members, shards, step rate, last checkpoint and alarms.",
        discussion: "Exits with 69 where no coordinator answers within five seconds.")

    @OptionGroup var location: CoordinatorLocation
    @Flag(help: "Show it each second until the run ends.") var watch = false
    @Flag(help: "One line of JSON.") var json = false

    func run() throws {
        try reportingErrors {
            let observer = try location.observer()
            guard watch else { return try Self.show(observer.status(), json: json) }
            let end = RunEnd(run: location.runPath)
            let isRedrawn = !json && isatty(STDOUT_FILENO) == 1
            let json = json
            try observer.watch(isOver: { end.hasCome }) { report in
                if isRedrawn { print("\u{1B}[H\u{1B}[2J", terminator: "") }
                try? Self.show(report, json: json)
                if !isRedrawn, !json { print() }
                fflush(nil)
            }
            StandardError.write("emend: the run has ended\n")
        }
    }

    private static func show(_ report: StatusReport, json: Bool) throws {
        print(json ? try jsonLine(report) : report.text)
    }
}

/// Whether a run has ended since a command began, as its journal tells.
private struct RunEnd: Sendable {
    private let run: String?
    private let endsBefore: Int

    /// Without a directory it is not known.
    init(run: String?) {
        self.run = run
        endsBefore = run.map(Self.ends) ?? 0
    }

    var hasCome: Bool { run.map { Self.ends($0) > endsBefore } ?? false }

    private static func ends(_ run: String) -> Int {
        JournalFact.all(run: run).count { $0 == .completed || $0 == .stopped }
    }
}
