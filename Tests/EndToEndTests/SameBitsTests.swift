import Foundation
import Testing

extension EndToEnd {
    @Suite("The same bits, whatever machines take part")
    struct SameBits {
        /// The true backbone and head.
        private static let mobileNetV2Keys = [
            "network.backbone=mobilenetv2", "network.asppChannels=256",
            "network.lowLevelChannels=48", "network.decoderChannels=256",
        ]

        @Test(
            "Two clusters of different shape end with the same parameters and optimizer state",
            arguments: [
                [Cluster("convolutional", 4, 1, 1, 1), Cluster("convolutional", 4, 3, 2, 2)],
                [Cluster("convolutional", 3, 2, 1, 2), Cluster("convolutional", 3, 1, 2, 1)],
                [Cluster("linear", 7, 1, 2, 2), Cluster("linear", 7, 3, 1, 1)],
                [Cluster("linear", 3, 1, 1, 1), Cluster("linear", 3, 2, 2, 1)],
            ])
        func pairs(_ clusters: [Cluster]) throws {
            let first = try clusters[0].train()
            for cluster in clusters.dropFirst() {
                let other = try cluster.train()
                #expect(other.bits == first.bits, "\(clusters[0]) and \(cluster)")
            }
        }

        @Test("Every level of the kernels ends with the same bits; a missing one is exit 78")
        func levels() throws { try expectSameBitsAtEveryLevel(TinyRun(workers: 2)) }

        @Test("A step of MobileNetV2 has the same bits at every level of the kernels")
        func mobileNetV2Levels() throws {
            try expectSameBitsAtEveryLevel(
                TinyRun(
                    method: "supervised", slots: 1,
                    overrides: Self.mobileNetV2Keys + [
                        "data.crop=129", "slots.batch=1", "phases.main.steps=1",
                    ]))
        }

        private func expectSameBitsAtEveryLevel(_ training: TinyRun) throws {
            let data = try SyntheticData.shared().root
            var bits: [String] = []
            for isa in ["generic", "avx2", "avx512", "neon"] {
                let folder = try ScratchFolder()
                var run = training
                run.isa = isa
                let ended = try run.attempt(data: data, run: folder.path("run"))
                if ended.code == 78 {
                    #expect(isa != "generic" && ended.errors.contains("no \(isa)"), "\(ended)")
                } else {
                    try #require(ended.code == 0, "\(ended)")
                    bits.append(try RunResult(line: ended.lastLine).bits)
                }
            }
            #expect(Set(bits).count == 1, "\(bits)")
        }

        @Test("Another seed and another number of slots end with other parameters")
        func differentRuns() throws {
            let bits = try [
                TinyRun(slots: 3), TinyRun(slots: 4), TinyRun(slots: 3, overrides: ["seed=1"]),
            ].map { try $0.result().bits }
            #expect(Set(bits).count == bits.count)
        }

        @Test(
            "Every cluster of the matrix ends with the same bits",
            .enabled(if: longTestsAreWanted, "takes a quarter of an hour: set EMEND_TEST_LONG=1"),
            arguments: ["linear", "convolutional"], [3, 4, 7])
        func matrix(method: String, slots: Int) throws {
            var first: RunResult?
            for workers in 1...3 {
                for servers in 1...2 {
                    for threads in 1...2 {
                        let cluster = Cluster(method, slots, workers, servers, threads)
                        let result = try cluster.train()
                        #expect(result.bits == (first ?? result).bits, "\(cluster)")
                        first = first ?? result
                    }
                }
            }
        }

        @Test(
            "MobileNetV2 ends with the same bits too",
            .enabled(if: longTestsAreWanted, "takes minutes: set EMEND_TEST_LONG=1"))
        func mobileNetV2() throws {
            let keys =
                Self.mobileNetV2Keys + [
                    "data.crop=97", "phases.ancillary.steps=2", "phases.warmup.steps=2",
                    "phases.main.steps=2",
                ]
            let one = TinyRun(method: "convolutional", slots: 3, overrides: keys)
            let other = TinyRun(
                method: "convolutional", slots: 3, workers: 2, servers: 2, threads: 2,
                overrides: keys)
            #expect(try one.result().bits == other.result().bits)
        }
    }
}

/// A run on so many processes.
struct Cluster: Sendable, CustomTestStringConvertible, CustomStringConvertible {
    let method: String
    let slots: Int
    let workers: Int
    let servers: Int
    let threads: Int

    init(_ method: String, _ slots: Int, _ workers: Int, _ servers: Int, _ threads: Int) {
        self.method = method
        self.slots = slots
        self.workers = workers
        self.servers = servers
        self.threads = threads
    }

    var description: String {
        "\(method), V = \(slots), \(workers) workers, \(servers) servers, \(threads) threads"
    }

    var testDescription: String { description }

    /// Trains and checks that all of the cluster took part in every step.
    func train() throws -> RunResult {
        let folder = try ScratchFolder()
        let run = folder.path("run")
        let result = try TinyRun(
            method: method, slots: slots, workers: workers, servers: servers, threads: threads
        ).result(data: SyntheticData.shared().root, run: run)
        let steps = try StepLine.all(ofRun: run)
        #expect(steps.map(\.step) == Array(0..<result.steps))
        #expect(steps.allSatisfy { $0.workers == workers && $0.images == 2 * slots })
        #expect(steps.allSatisfy { $0.decision == "apply" })
        return result
    }
}
