import Foundation
import Hashes
import Ledger
import Testing

extension EndToEnd {
    @Suite("The ledger of a run, verified")
    struct VerifiedRuns {
        struct Report: Decodable {
            struct Violation: Decodable {
                var file: String
                var rule: String
                var line: Int?
                var step: Int?
                var shard: Int?
                var chunk: Int?
                var checkpoint: Int?
                var problem: String
            }

            var verified: Bool
            var steps: Int?
            var stepCount: Int?
            var skipped: Int?
            var checkpoints: [Int]?
            var chain: String?
            var violation: Violation?

            enum CodingKeys: String, CodingKey {
                case verified, steps, skipped, checkpoints, violation
                case stepCount = "step_count"
                case chain = "chain_sha256"
            }
        }

        private func report(_ ended: EndedProgram) throws -> Report {
            try JSONDecoder().decode(Report.self, from: Data(ended.lastLine.utf8))
        }

        /// What `verify` refuses a run for.
        private func violation(_ run: String) throws -> Report.Violation {
            let ended = try Programs.emend(["verify", run, "--json"])
            #expect(ended.code == 65, "\(ended)")
            let report = try report(ended)
            #expect(!report.verified)
            let violation = try #require(report.violation, "\(ended)")
            #expect(
                ended.errors.contains(violation.problem)
                    && ended.errors.contains(violation.file), "\(ended)")
            return violation
        }

        private func copy(_ change: (String) throws -> Void) throws -> Report.Violation {
            let folder = try ScratchFolder()
            let run = try FinishedRun.copy(to: folder)
            try change(run)
            return try violation(run)
        }

        @Test("A finished run verifies, in words and as JSON")
        func finishedRun() throws {
            let run = try FinishedRun.path()
            let ended = try Programs.emend(["verify", run, "--json"])
            try #require(ended.code == 0, "\(ended)")
            let report = try report(ended)
            #expect(report.verified && report.skipped == 0)
            #expect(report.steps == FinishedRun.steps && report.stepCount == FinishedRun.steps)
            #expect(report.checkpoints == (try FinishedRun.checkpointSteps(run)))
            let text = try Programs.emend(["verify", run])
            #expect(text.code == 0 && text.lastLine == "verified", "\(text)")
            #expect(text.output.contains("7 of 7") && text.output.contains(report.chain ?? "?"))
        }

        @Test("Clusters of different shape have the same chain")
        func sameChain() throws {
            let folder = try ScratchFolder()
            let run = folder.path("run")
            // As FinishedRun, on one worker and one server.
            _ = try TinyRun(
                overrides: ["checkpoint.every=2", "checkpoint.keep=2", "evaluate.every=2"]
            ).result(data: SyntheticData.shared().root, run: run)
            let chains = try [run, FinishedRun.path()].map {
                try #require(report(Programs.emend(["verify", $0, "--json"])).chain)
            }
            #expect(chains[0] == chains[1])
        }

        @Test("A changed entry is found, with its line")
        func changedEntry() throws {
            let found = try copy { run in
                let file = run + "/" + Ledger.fileName
                var text = try String(contentsOfFile: file, encoding: .utf8)
                text.replace(
                    "\"step\":3,\"decision\":\"apply\"", with: "\"step\":3,\"decision\":\"skip\"")
                try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            }
            #expect(found.rule == "seal" && found.line == 5)
        }

        @Test(
            "An entry of a chunk that a checkpoint contradicts is found, though all is sealed anew")
        func changedChunk() throws {
            let found = try copy { run in
                let file = run + "/" + Ledger.fileName
                var lines = try SyntheticData.lines(of: file)
                // Of the newest checkpoint alone: the last step's hash of its first chunk.
                let last = lines.count - 1
                let hash = try #require(lines[last].range(of: "\"chunks\":[[")).upperBound
                let digit = try #require(lines[last][hash...].range(of: "\"")).upperBound
                let other = lines[last][digit] == "0" ? "1" : "0"
                lines[last].replaceSubrange(digit...digit, with: other)
                try sealed(lines).write(to: URL(fileURLWithPath: file))
            }
            #expect(found.rule == "checkpoint_hash" && found.checkpoint == FinishedRun.steps)
            #expect(found.chunk != nil)
        }

        @Test("The ledger of another run is found")
        func otherRun() throws {
            let found = try copy { run in
                try Data("{\"run\":\"\(String(repeating: "0", count: 32))\"}\n".utf8).write(
                    to: URL(fileURLWithPath: run + "/run.json"))
            }
            #expect(found.rule == "header" && found.problem.hasPrefix("run is"), "\(found)")
        }

        @Test("A ledger that ends before the newest checkpoint is found")
        func shortLedger() throws {
            let found = try copy { run in
                let file = run + "/" + Ledger.fileName
                let lines = try SyntheticData.lines(of: file).dropLast()
                try Data(lines.map { $0 + "\n" }.joined().utf8).write(
                    to: URL(fileURLWithPath: file))
            }
            #expect(found.rule == "checkpoint" && found.checkpoint == FinishedRun.steps)
        }

        @Test("A damaged checkpoint is found")
        func damagedCheckpoint() throws {
            let found = try copy { run in
                let shard = try FinishedRun.shards(run, step: FinishedRun.steps)[0]
                var data = try Data(contentsOf: URL(fileURLWithPath: shard))
                data[data.count - 1] ^= 1
                try data.write(to: URL(fileURLWithPath: shard))
            }
            #expect(found.rule == "checkpoint" && found.checkpoint == FinishedRun.steps)
            #expect(found.problem.contains(".safetensors"), "\(found)")
        }

        @Test("A result that is not of the newest checkpoint is found")
        func otherResult() throws {
            for change in [
                ("\"steps\":7", "\"steps\":6"),
                ("parameters_sha256\":\"", "parameters_sha256\":\"0"),
            ] {
                let found = try copy { run in
                    let file = run + "/result.json"
                    var text = try String(contentsOfFile: file, encoding: .utf8)
                    text.replace(change.0, with: change.1)
                    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
                }
                #expect(found.rule == "end", "\(found)")
            }
        }

        @Test("Where there is no run or no ledger the exit code is 66")
        func missing() throws {
            let folder = try ScratchFolder()
            let nothing = try Programs.emend(["verify", folder.path("none")])
            #expect(nothing.code == 66 && nothing.errors.contains("no run"), "\(nothing)")
            let run = try FinishedRun.copy(to: folder)
            try FileManager.default.removeItem(atPath: run + "/" + Ledger.fileName)
            let ended = try Programs.emend(["verify", run])
            #expect(ended.code == 66 && ended.errors.contains(Ledger.fileName), "\(ended)")
        }

        /// A ledger of these lines whose chain and seals are computed anew, as docs/LEDGER.md says.
        private func sealed(_ lines: [String]) -> Data {
            var (chain, seal) = ("", "")
            let renewed = lines.map { line -> String in
                let body = line.dropLast(150)
                for (opening, end) in [
                    ("{\"training\":", ",\"run\":"), ("{\"result\":", ",\"account\":"),
                ] where body.hasPrefix(opening) {
                    let chained = body.dropFirst(opening.count)
                    chain = SHA256.hash(
                        (chain + chained[..<chained.range(of: end)!.lowerBound]).utf8)
                }
                let sealed = body + ",\"chain\":\"\(chain)\""
                seal = SHA256.hash((seal + sealed).utf8)
                return sealed + ",\"seal\":\"\(seal)\"}\n"
            }
            return Data(renewed.joined().utf8)
        }
    }
}
