import Foundation
import Tensors
import Testing

extension EndToEnd {
    @Suite("Training in bfloat16")
    struct Precision {
        private static let rounded = TinyRun(overrides: ["precision=bf16"])
        private static let need = "AVX-512 BF16"

        @Test("A worker whose kernels have none is refused at its greeting with 78, saying so")
        func refusedWorker() throws {
            let cluster = try HandStartedCluster(Self.rounded, servers: 1, workers: 1)
            let ended = try cluster.worker(isa: .generic).end()
            #expect(ended.code == 78, "\(ended)")
            #expect(ended.errors.contains("portable-1") && ended.errors.contains(Self.need))
            cluster.coordinator.signal(SIGTERM)
            #expect(try cluster.coordinator.end().code == 143)
        }

        @Test("The launcher and the benchmark refuse before anything starts")
        func refusedLaunch() throws {
            let folder = try ScratchFolder()
            var run = Self.rounded
            run.isa = "generic"
            for ended in [
                try run.attempt(data: SyntheticData.shared().root, run: folder.path("run")),
                try Programs.emend(["bench", "step", "--precision", "bf16", "--isa", "generic"]),
            ] {
                #expect(ended.code == 78 && ended.output == "", "\(ended)")
                for word in ["precision: bf16", Self.need, "generic"] {
                    #expect(ended.errors.contains(word), "\(ended)")
                }
            }
            #expect(
                !FileManager.default.fileExists(atPath: folder.path("run/coordinator.endpoint")))
        }

        @Test("Two clusters end with the same bits, which are not float32's; without it, with 78")
        func sameBits() throws {
            let folder = try ScratchFolder(), data = try SyntheticData.shared().root
            let first = try Self.rounded.attempt(data: data, run: folder.path("first"))
            guard first.code != 78 else {
                #expect(first.errors.contains(Self.need), "\(first)")
                return
            }
            try #require(first.code == 0, "\(first)")
            let bits = try RunResult(line: first.lastLine).bits
            var cluster = Self.rounded
            (cluster.workers, cluster.servers, cluster.threads) = (2, 2, 2)
            #expect(try cluster.result(data: data, run: folder.path("second")).bits == bits)
            #expect(try FinishedRun.result().bits != bits)
            let journal = try String(
                contentsOfFile: folder.path("first/journal.jsonl"), encoding: .utf8)
            #expect(journal.contains("bf16-1"))
        }
    }
}
