import Foundation
import Tensors
import Testing

extension EndToEnd {
    @Suite("A cluster of several levels of the kernels")
    struct MixedLevels {
        /// A worker at each; slowest first.
        static let levels = InstructionSet.present
        /// Small, for the generic level is forty times slower than the others.
        private static let training = TinyRun(
            slots: 6, overrides: ["data.crop=33", "phases.main.steps=60"])
        private static let undisturbed = Result { try training.result().bits }

        @Test(
            "AVX2 takes part",
            .enabled(if: levels.contains(.avx2), "this processor lacks AVX2: not compared"))
        func avx2() throws { try expectMember(at: .avx2) }

        @Test(
            "AVX-512 takes part",
            .enabled(if: levels.contains(.avx512), "this processor lacks AVX-512: not compared"))
        func avx512() throws { try expectMember(at: .avx512) }

        /// A run whose only worker computes at the level.
        private func expectMember(at level: InstructionSet) throws {
            let training = TinyRun(isa: level.rawValue)
            let cluster = try HandStartedCluster(training, servers: 1, workers: 1)
            let members = try [cluster.server(), cluster.worker(isa: level), cluster.coordinator]
            for member in members { #expect(try member.end().code == 0) }
            #expect(members[1].errors.contains("computing with \(level.rawValue) kernels"))
            #expect(try cluster.bits() == FinishedRun.result().bits)
        }

        @Test(
            "A worker at each level, one killed and replaced by another, end with the same bits",
            .enabled(
                if: levels.count > 1, "this processor has the generic level alone: nothing to mix"),
            arguments: levels.dropFirst())
        func replaced(_ lost: InstructionSet) throws {
            // The generic worker stays: without it the run would end before another one could join.
            let cluster = try HandStartedCluster(
                Self.training, servers: 1, workers: Self.levels.count)
            let server = try cluster.server()
            var workers = try Self.levels.map { try cluster.worker(isa: $0) }
            try reachFullStep(of: cluster, after: 0)
            let position = Self.levels.firstIndex(of: lost)!
            let killed = workers.remove(at: position)
            killed.signal(SIGKILL)
            #expect(try killed.end().code == 128 + SIGKILL)
            let step = cluster.steps.count
            let replacement = Self.levels[(position + 1) % Self.levels.count]
            workers.append(try cluster.worker(isa: replacement))
            try reachFullStep(of: cluster, after: step + 1)
            for member in workers + [server, cluster.coordinator] {
                let ended = try member.end()
                #expect(ended.code == 0, "\(ended)")
            }
            let computing = Self.levels.filter { $0 != lost } + [replacement]
            for (worker, level) in zip(workers, computing) {
                #expect(worker.errors.contains("computing with \(level.rawValue) kernels"))
            }
            #expect(try cluster.bits() == Self.undisturbed.get())
        }

        /// Waits until a worker at each level had a part in one step.
        private func reachFullStep(of cluster: HandStartedCluster, after step: Int) throws {
            try eventually("a step after \(step) of \(Self.levels.count) workers") {
                cluster.steps.dropFirst(step).contains { $0.workers == Self.levels.count }
            }
        }
    }
}
