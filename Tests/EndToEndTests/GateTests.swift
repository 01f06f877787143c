import Foundation
import Testing

extension EndToEnd {
    @Suite("Gradients beyond the cap, and damaged samples, are handled alike everywhere")
    struct Gates {
        /// A step with a larger gradient than all before it, and a cap that it alone of these exceeds.
        private struct Peak {
            let step: Int
            let cap: Double

            /// Of the undisturbed run.
            static func find() throws -> Peak {
                let steps = try StepLine.all(ofRun: FinishedRun.path())
                let largest = steps.map { $0.maximumAbsoluteGradient ?? .infinity }
                for step in 1..<largest.count {
                    let before = largest[..<step].max() ?? 0
                    if largest[step] > before {
                        return Peak(step: step, cap: (before + largest[step]) / 2)
                    }
                }
                throw RunningProgram.Overdue(description: "no step exceeds the first: \(largest)")
            }
        }

        private static func coordinatorLog(_ run: String) throws -> String {
            try String(contentsOfFile: run + "/logs/coordinator.log", encoding: .utf8)
        }

        /// The line that tells of a step's fault: it must name a slot and images of the run.
        private func expectFault(ofStep step: Int, in text: String, run: String) throws {
            let line = try #require(
                text.split(separator: "\n").first {
                    $0.contains("step \(step) ") && $0.contains("gradients.cap")
                }, "\(text)")
            #expect(line.contains(/of slot [0-2] is not finite/), "\(line)")
            let images = try #require(line.components(separatedBy: "its images are ").last)
                .components(separatedBy: ", ").map {
                    String($0.prefix { $0.isLetter || $0.isNumber || "_-".contains($0) })
                }
            let lists = try ["labelled", "weak"].flatMap {
                try SyntheticData.lines(of: "\(run)/lists/\($0).txt")
            }
            #expect(images.count == 2 && images.allSatisfy(lists.contains), "\(line)")
        }

        @Test("skip: the step changes nothing, and one worker and three end with the same bits")
        func skip() throws {
            let peak = try Peak.find()
            let folder = try ScratchFolder()
            let bits = try [(1, 1), (3, 2)].map { workers, servers in
                let run = folder.path("\(workers)")
                let result = try TinyRun(
                    workers: workers, servers: servers, overrides: ["gradients.cap=\(peak.cap)"]
                ).result(data: SyntheticData.shared().root, run: run)
                let decisions = try StepLine.all(ofRun: run).map(\.decision)
                #expect(decisions.count == FinishedRun.steps)
                #expect(decisions[..<peak.step].allSatisfy { $0 == "apply" })
                #expect(decisions[peak.step] == "skip")
                try expectFault(ofStep: peak.step, in: Self.coordinatorLog(run), run: run)
                let verified = try Programs.emend(["verify", run])
                #expect(verified.code == 0, "\(verified)")
                return result.bits
            }
            #expect(bits[0] == bits[1])
            #expect(try bits[0] != FinishedRun.result().bits)
        }

        @Test("stop: the run ends with 1 and names step, slot and images", arguments: [1, 3])
        func stop(workers: Int) throws {
            let peak = try Peak.find()
            let folder = try ScratchFolder()
            let run = folder.path("run")
            let ended = try TinyRun(
                workers: workers,
                overrides: ["gradients.cap=\(peak.cap)", "gradients.badSlot=stop"]
            ).attempt(data: SyntheticData.shared().root, run: run)
            #expect(ended.code == 1 && ended.output == "", "\(ended)")
            #expect(!ended.errors.contains("started again"), "\(ended)")
            try expectFault(ofStep: peak.step, in: ended.errors, run: run)
            #expect(try StepLine.all(ofRun: run).count == peak.step)
        }

        @Test("A damaged image that is substituted is so for one worker and for two")
        func substitution() throws {
            let data = try SyntheticData.copy()
            let damaged = try data.names("train")[3]
            try data.truncate(data.image(damaged), by: 300)
            let folder = try ScratchFolder()
            let bits = try [1, 2].map { workers in
                let ended = try TinyRun(
                    workers: workers, overrides: ["data.badFile=substitute"]
                ).attempt(data: data.root, run: folder.path("\(workers)"))
                #expect(ended.code == 0 && ended.errors.contains(damaged), "\(ended)")
                return try RunResult(line: ended.lastLine).bits
            }
            #expect(bits[0] == bits[1])
        }

        @Test(
            "An image damaged after the start: every worker refuses it, and the run ends with 65",
            arguments: [1, 2])
        func damagedLater(workers: Int) throws {
            let data = try SyntheticData.copy()
            let cluster = try HandStartedCluster(
                TinyRun(), servers: 1, workers: workers, data: data.root)
            let labelled = try SyntheticData.lines(of: cluster.run + "/lists/labelled.txt")
            for name in labelled { try data.truncate(data.image(name), by: 300) }
            let server = try cluster.server()
            let members = try (0..<workers).map { _ in try cluster.worker(data: data.root) }
            let ended = try cluster.coordinator.end()
            #expect(ended.code == 65, "\(ended)")
            #expect(
                labelled.contains { ended.errors.contains(data.image($0)) }
                    && ended.errors.contains("not the file of this run's index"), "\(ended)")
            for member in [server] + members { _ = try member.end() }
        }

        @Test("Where one worker's copy of an image is damaged, the others compute its slots")
        func oneDamagedCopy() throws {
            let (whole, damaged) = (try SyntheticData.shared(), try SyntheticData.copy())
            for name in try whole.names("train") {
                try damaged.truncate(damaged.image(name), by: 300)
            }
            let cluster = try HandStartedCluster(
                TinyRun(), servers: 1, workers: 2, data: whole.root)
            let server = try cluster.server()
            let blind = try cluster.worker(data: damaged.root)
            let seeing = try cluster.worker(data: whole.root)
            for member in [cluster.coordinator, server, seeing, blind] {
                let ended = try member.end()
                #expect(ended.code == 0, "\(ended)")
            }
            #expect(cluster.coordinator.errors.contains("gave back slots"))
            #expect(try cluster.bits() == FinishedRun.result().bits)
        }
    }
}
