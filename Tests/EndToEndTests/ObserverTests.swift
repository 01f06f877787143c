import Foundation
import Testing

extension EndToEnd {
    @Suite("Commands that look at a run that goes on")
    struct Observers {
        private struct StatusLine: Decodable {
            struct Member: Decodable {
                var role: String
                var process: Int32
                var host: String
                var activity: String
                var slow: Bool
            }
            struct Shard: Decodable {
                var shard: Int
                var part: String
                var version: Int
            }
            var version: Int
            var finalVersion: Int
            var members: [Member]
            var shards: [Shard]
            var alarms: [String]

            enum CodingKeys: String, CodingKey {
                case version, members, shards, alarms
                case finalVersion = "final_version"
            }

            init(_ ended: EndedProgram) throws {
                try #require(ended.code == 0, "\(ended)")
                self = try JSONDecoder().decode(Self.self, from: Data(ended.lastLine.utf8))
            }
        }

        @Test("status tells every member with its process, every shard, and how far the run is")
        func status() throws {
            let run = try EndlessRun()
            try run.reach(step: 6)
            let line = try StatusLine(Programs.emend(["status", run.run, "--json"]))
            #expect(line.version > 6 && line.finalVersion == 1_000_003)
            #expect(line.alarms.isEmpty)
            #expect(line.shards.filter { $0.part == "primary" }.map(\.shard) == [0, 1])
            #expect(line.shards.filter { $0.part == "backup" }.count <= 2)
            let running = try run.children().filter { $0.program != "emend-coordinator" }
            #expect(
                Set(line.members.map(\.process)) == Set(running.map(\.processIdentifier)))
            #expect(line.members.filter { $0.role == "server" }.count == 2)
            #expect(line.members.filter { $0.role == "worker" }.count == 2)

            let endpoint = try SyntheticData.lines(of: run.run + "/coordinator.endpoint")[0]
            let text = try Programs.emend(["status", "--coordinator", endpoint])
            #expect(text.code == 0, "\(text)")
            for part in ["of 1000003", "steps/s", "checkpoint ", "server", "worker", "primary"] {
                #expect(text.output.contains(part), "\(part) in \(text)")
            }
        }

        @Test("status --watch shows the run until it ends")
        func watch() throws {
            let folder = try ScratchFolder()
            let run = folder.path("run")
            let launcher = try RunningProgram(
                "emend",
                TinyRun(overrides: ["phases.main.steps=300"])
                    .arguments(data: SyntheticData.shared().root, run: run))
            try eventually("the coordinator listens") {
                FileManager.default.fileExists(atPath: run + "/coordinator.endpoint")
            }
            let watch = try RunningProgram("emend", ["status", run, "--watch", "--json"])
            #expect(try launcher.end().code == 0)
            let ended = try watch.end(withinSeconds: 30)
            #expect(ended.code == 0, "\(ended)")
            #expect(ended.errors.contains("the run has ended"), "\(ended)")
            #expect(ended.output.split(separator: "\n").count >= 2, "\(ended)")
            _ = try StatusLine(ended)
        }

        @Test(
            "Where nobody answers a command says whom it asked, and ends with 69",
            arguments: [["status"], ["status", "--watch"], ["scale", "--workers", "2"]])
        func nobody(command: [String]) throws {
            let listener = try LoopbackListener()
            let endpoint = "127.0.0.1:\(listener.port)"
            let begun = ContinuousClock.now
            let ended = try Programs.emend(command + ["--coordinator", endpoint])
            #expect(ended.code == 69 && ended.output == "", "\(ended)")
            #expect(ended.errors.contains("tcp://\(endpoint)"), "\(ended)")
            #expect(ContinuousClock.now - begun < .seconds(10))
        }

        @Test("A directory without a coordinator's address is an input that is missing")
        func noEndpoint() throws {
            let folder = try ScratchFolder()
            let ended = try Programs.emend(["status", folder.root])
            #expect(ended.code == 66, "\(ended)")
            #expect(ended.errors.contains("coordinator.endpoint"), "\(ended)")
        }

        @Test(
            "A command line that makes no sense ends with 64",
            arguments: [
                ["status"], ["status", "run", "--coordinator", "a:1"], ["scale", "run"],
                ["scale", "run", "--workers", "0"],
            ])
        func usage(arguments: [String]) throws {
            let ended = try Programs.emend(arguments)
            #expect(ended.code == 64 && ended.output == "", "\(ended)")
        }
    }
}
