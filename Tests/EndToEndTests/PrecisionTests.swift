import Foundation
import Tensors
import Testing

extension EndToEnd {
    @Suite("Training in bfloat16")
    struct Precision {
        private static func rounded(_ order: BFloat16Order) -> TinyRun {
            TinyRun(overrides: ["precision=\(order.precision)"])
        }

        @Test(
            "A worker whose kernels have none is refused at its greeting with 78, saying so",
            arguments: BFloat16Order.allCases)
        func refusedWorker(order: BFloat16Order) throws {
            let cluster = try HandStartedCluster(Self.rounded(order), servers: 1, workers: 1)
            let ended = try cluster.worker(isa: .generic).end()
            #expect(ended.code == 78, "\(ended)")
            #expect(ended.errors.contains("portable-1") && ended.errors.contains(order.requirement))
            cluster.coordinator.signal(SIGTERM)
            #expect(try cluster.coordinator.end().code == 143)
        }

        @Test(
            "The launcher and the benchmark refuse before anything starts",
            arguments: BFloat16Order.allCases)
        func refusedLaunch(order: BFloat16Order) throws {
            let folder = try ScratchFolder(), precision = order.precision
            var run = Self.rounded(order)
            run.isa = "generic"
            for ended in [
                try run.attempt(data: SyntheticData.shared().root, run: folder.path("run")),
                try Programs.emend(["bench", "step", "--precision", precision, "--isa", "generic"]),
            ] {
                #expect(ended.code == 78 && ended.output == "", "\(ended)")
                for word in ["precision: \(precision) ", order.requirement, "generic"] {
                    #expect(ended.errors.contains(word), "\(ended)")
                }
            }
            #expect(
                !FileManager.default.fileExists(atPath: folder.path("run/coordinator.endpoint")))
        }

        @Test(
            "Two clusters end with the same bits, which are not float32's; without it, with 78",
            arguments: [(BFloat16Order.pairs, "bf16-1"), (.tiles, "amx-1")])
        func sameBits(order: BFloat16Order, name: String) throws {
            let folder = try ScratchFolder(), data = try SyntheticData.shared().root
            let run = Self.rounded(order)
            let first = try run.attempt(data: data, run: folder.path("first"))
            guard first.code != 78 else {
                #expect(first.errors.contains(order.requirement), "\(first)")
                return
            }
            try #require(first.code == 0, "\(first)")
            let bits = try RunResult(line: first.lastLine).bits
            var cluster = run
            (cluster.workers, cluster.servers, cluster.threads) = (2, 2, 2)
            #expect(try cluster.result(data: data, run: folder.path("second")).bits == bits)
            #expect(try FinishedRun.result().bits != bits)
            let journal = try String(
                contentsOfFile: folder.path("first/journal.jsonl"), encoding: .utf8)
            #expect(journal.contains(name))
        }
    }
}
