import ArgumentParser
import Ledger
import Roles

/// `emend verify RUN`: proves from a run's ledger and checkpoints how it came about.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prove from a run's ledger that every step used each sample exactly once.",
        discussion: """
            Reads the ledger and all checkpoints, of a run that has ended or goes on, and changes \
            nothing. Checks that lines follow from one another, that every commit used exactly V·b \
            samples, each slot once, that all shards decided alike, and that checkpoints hold the \
            parameters that the ledger vouches for. Names the first violation and exits with 65; \
            with 66 where there is no run or no ledger.
            """)

    @Argument(help: ArgumentHelp("The run's directory.", valueName: "run"))
    var runPath: String
    @Flag(help: "One line of JSON.") var json = false

    private struct Report: Encodable {
        struct RollBack: Encodable {
            var from: UInt64
            var to: UInt64
        }

        var verified = true
        var steps: UInt64
        var stepCount: UInt64
        var skipped: Int
        var rollBacks: [RollBack]
        var checkpoints: [UInt64]
        var chain: String
        var unfinishedLine: Bool

        enum CodingKeys: String, CodingKey {
            case verified, steps, skipped, checkpoints
            case stepCount = "step_count"
            case rollBacks = "roll_backs"
            case chain = "chain_sha256"
            case unfinishedLine = "unfinished_line"
        }

        init(_ run: RunVerification) {
            steps = run.ledger.recordedThrough
            stepCount = run.stepCount
            skipped = run.ledger.skippedCount
            rollBacks = run.ledger.rollBacks.map { RollBack(from: $0.from, to: $0.to) }
            checkpoints = run.checkpoints
            chain = run.ledger.chain
            unfinishedLine = run.ledger.hasUnfinishedLine
        }

        var table: String {
            let rows = [
                ("steps", "\(steps) of \(stepCount)"),
                ("skipped", "\(skipped)"),
                (
                    "roll-backs",
                    rollBacks.isEmpty
                        ? "none" : rollBacks.map { "\($0.from) → \($0.to)" }.joined(separator: ", ")
                ),
                ("checkpoints", checkpoints.map(String.init).joined(separator: ", ")),
                ("chain", chain),
            ]
            let lines = rows.map { name, value in
                name + String(repeating: " ", count: 13 - name.count) + value
            }
            let note =
                unfinishedLine ? ["The last line is not whole yet and was left out."] : []
            return (lines + note + ["verified"]).joined(separator: "\n")
        }
    }

    private struct Refutation: Encodable {
        struct Violation: Encodable {
            var file: String
            var rule: String
            var line: Int?
            var step: UInt64?
            var shard: Int?
            var chunk: Int?
            var checkpoint: UInt64?
            var problem: String
        }

        var verified = false
        var violation: Violation

        init(file: String, _ violation: LedgerViolation) {
            self.violation = Violation(
                file: file, rule: violation.rule.rawValue, line: violation.line,
                step: violation.step, shard: violation.shard, chunk: violation.chunk,
                checkpoint: violation.checkpoint, problem: violation.problem)
        }
    }

    func run() throws {
        try reportingErrors {
            do {
                let report = Report(try RunVerification(RunDirectory(runPath)))
                print(json ? try jsonLine(report) : report.table)
            } catch LedgerError.violation(let file, let violation) {
                if json { print(try jsonLine(Refutation(file: file, violation))) }
                throw LedgerError.violation(file: file, violation)
            }
        }
    }
}
