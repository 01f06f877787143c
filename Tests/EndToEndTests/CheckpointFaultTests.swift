import Foundation
import Testing

extension EndToEnd {
    @Suite("Faults of checkpoints and run directories")
    struct CheckpointFaults {
        @Test("One flipped bit is found, named, and never evaluated")
        func flippedBit() throws {
            let folder = try ScratchFolder()
            let run = try FinishedRun.copy(to: folder)
            let shard = try #require(FinishedRun.shards(run, step: FinishedRun.steps).last)
            var data = try Data(contentsOf: URL(fileURLWithPath: shard))
            data[data.count * 3 / 4] ^= 0x10
            try data.write(to: URL(fileURLWithPath: shard))

            let verified = try Programs.emend(["checkpoint", "verify", run, "--json"])
            #expect(verified.code == 65, "\(verified)")
            #expect(verified.errors.contains(shard), "\(verified)")
            let sound = try FinishedRun.checkpointSteps(run).filter { $0 != FinishedRun.steps }
            #expect(verified.output.split(separator: "\n").count == sound.count)
            for command in [
                ["evaluate", run, "--data", try SyntheticData.shared().root, "--json"],
                [
                    "predict", run, try SyntheticData.shared().image("val_0000"), "--output",
                    folder.path("predicted"),
                ],
            ] {
                let ended = try Programs.emend(command)
                #expect(ended.code == 65, "\(ended)")
                #expect(ended.output == "" && ended.errors.contains(shard), "\(ended)")
            }
            let older = try Programs.emend([
                "evaluate", run, "--data", try SyntheticData.shared().root, "--json",
                "--checkpoint", "\(try #require(sound.last))",
            ])
            #expect(older.code == 0, "\(older)")
        }

        @Test("A flipped bit in a manifest is found")
        func flippedManifest() throws {
            let folder = try ScratchFolder()
            let run = try FinishedRun.copy(to: folder)
            let manifest =
                run + "/checkpoints/"
                + String(format: "%012d", FinishedRun.steps) + "/manifest.json"
            var data = try Data(contentsOf: URL(fileURLWithPath: manifest))
            data[data.count / 2] ^= 1
            try data.write(to: URL(fileURLWithPath: manifest))
            let verified = try Programs.emend(["checkpoint", "verify", run])
            #expect(verified.code == 65 && verified.errors.contains(manifest), "\(verified)")
        }

        @Test("The directory of a finished run is not used again")
        func finishedRun() throws {
            let folder = try ScratchFolder()
            let run = try FinishedRun.copy(to: folder)
            let before = FileManager.default.contents(atPath: run + "/result.json")
            let ended = try TinyRun().attempt(data: SyntheticData.shared().root, run: run)
            #expect(ended.code == 73, "\(ended)")
            #expect(ended.errors.contains("already in use") && ended.errors.contains("--run"))
            #expect(FileManager.default.contents(atPath: run + "/result.json") == before)
        }

        @Test("The directory of a running run is held by name")
        func runningRun() throws {
            let folder = try ScratchFolder()
            let data = try SyntheticData.shared().root
            let first = try RunningProgram(
                "emend",
                TinyRun(slots: 1, overrides: ["phases.main.steps=100000"])
                    .arguments(data: data, run: folder.path("run")))
            try eventually("the first run has begun") {
                FileManager.default.fileExists(atPath: folder.path("run/metrics.jsonl"))
            }
            let second = try TinyRun().attempt(data: data, run: folder.path("run"))
            #expect(second.code == 73, "\(second)")
            #expect(second.errors.contains("already in use by PID"), "\(second)")
            first.signal(SIGTERM)
            #expect(try first.end().code == 143)
        }

        @Test("A port that is taken is told, and leaves the directory free")
        func portTaken() throws {
            let folder = try ScratchFolder()
            let listener = try LoopbackListener()
            try folder.write("seed: 0\n", to: "c.yaml")
            let arguments =
                [
                    "--run", folder.path("run"), "--data", try SyntheticData.shared().root,
                    "--config", folder.path("c.yaml"), "--bind", "127.0.0.1:\(listener.port)",
                ] + TinyRun().keys
            let ended = try RunningProgram("emend-coordinator", arguments).end()
            #expect(ended.code == 69, "\(ended)")
            #expect(ended.errors.contains("127.0.0.1:\(listener.port)"), "\(ended)")
            #expect(ended.errors.contains("another process uses this port"), "\(ended)")
            let result = try TinyRun().result(
                data: SyntheticData.shared().root, run: folder.path("run"))
            #expect(result.steps == 7)
        }

        @Test("A disk that fills up while a checkpoint is written leaves the one before")
        func diskFull() throws {
            let folder = try ScratchFolder()
            let (data, program) = try (SyntheticData.shared().root, Programs.url("emend").path)
            _ = try TinyRun().result(data: data, run: folder.path("whole"))
            let sizes = try [0, 7].map {
                try Self.size(#require(FinishedRun.shards(folder.path("whole"), step: $0).first))
            }
            // Room for checkpoint 0, which has no optimizer state, and for no other.
            try #require(sizes[1] > sizes[0] + 65_536)
            let kibibytes = (sizes[0] + sizes[1]) / 2048
            let training = TinyRun(overrides: ["checkpoint.every=2"])
                .arguments(data: data, run: folder.path("run"))
            let ended = try RunningProgram(
                URL(fileURLWithPath: "/bin/bash"),
                ["-c", "ulimit -f \(kibibytes); exec \"$@\"", "bash", program] + training
            ).end()
            #expect(ended.code == 74, "\(ended)")
            #expect(ended.output == "", "nothing may claim success")
            #expect(ended.errors.contains("checkpoint"), "\(ended)")
            #expect(!FileManager.default.fileExists(atPath: folder.path("run/result.json")))
            let steps = try FinishedRun.checkpointSteps(folder.path("run"))
            #expect(steps == [0])
            let verified = try Programs.emend(["checkpoint", "verify", folder.path("run")])
            #expect(verified.code == 0, "\(verified)")
        }

        private static func size(_ file: String) throws -> Int {
            try Data(contentsOf: URL(fileURLWithPath: file)).count
        }
    }
}

/// A socket that listens on a free port of the loopback address.
final class LoopbackListener {
    private let descriptor: Int32
    let port: UInt16

    struct Refused: Error { let code: Int32 }

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                bind(descriptor, general, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, general, &length) == 0 ? 0 : errno
            }
        }
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
        guard code == 0 else { throw Refused(code: code) }
    }

    deinit { close(descriptor) }
}
