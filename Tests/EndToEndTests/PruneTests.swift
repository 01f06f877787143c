import Foundation
import Testing

extension EndToEnd {
    @Suite("Pruning of checkpoints")
    struct Pruning {
        private struct Result: Decodable {
            var deleted: [Int]
            var kept: [Int]
        }

        private func record(best step: Int, _ run: String) throws {
            let file = URL(fileURLWithPath: run + "/checkpoints/best.json")
            try Data("{\"step\":\(step),\"mean_iou\":0.5}\n".utf8).write(to: file)
        }

        private func prune(_ run: String) throws -> Result {
            let ended = try Programs.emend(["checkpoint", "prune", run, "--keep", "1", "--json"])
            try #require(ended.code == 0, "\(ended)")
            return try JSONDecoder().decode(Result.self, from: Data(ended.output.utf8))
        }

        @Test("The newest and the best stay, and what is deleted is told")
        func prune() throws {
            let folder = try ScratchFolder()
            let run = try FinishedRun.copy(to: folder)
            let before = try FinishedRun.checkpointSteps(run)
            let (oldest, newest) = (before[0], FinishedRun.steps)
            try record(best: oldest, run)
            let first = try prune(run)
            #expect(first.kept == [oldest, newest])
            #expect(first.deleted == before.filter { $0 != oldest && $0 != newest })
            try record(best: newest, run)
            let second = try prune(run)
            #expect(second.kept == [newest] && second.deleted == [oldest])
            #expect(try FinishedRun.checkpointSteps(run) == [newest])
            let again = try Programs.emend(["checkpoint", "prune", run])
            #expect(again.code == 0, "\(again)")
            #expect(again.output == "deleted: none\nkept: \(newest)\n", "\(again)")
        }

        @Test("Where none of those that would stay is whole, nothing is deleted")
        func damaged() throws {
            let folder = try ScratchFolder()
            let run = try FinishedRun.copy(to: folder)
            let before = try FinishedRun.checkpointSteps(run)
            // So that there is something to delete.
            try record(best: FinishedRun.steps, run)
            for step in before {
                let shard = URL(
                    fileURLWithPath: try #require(FinishedRun.shards(run, step: step).first))
                var data = try Data(contentsOf: shard)
                data[data.count - 3] ^= 1
                try data.write(to: shard)
            }
            let ended = try Programs.emend(["checkpoint", "prune", run, "--keep", "1"])
            #expect(ended.code == 65, "\(ended)")
            #expect(ended.output == "" && ended.errors.contains("nothing was deleted"), "\(ended)")
            #expect(try FinishedRun.checkpointSteps(run) == before)
            let none = try Programs.emend(["checkpoint", "prune", run, "--keep", "0"])
            #expect(none.code == 64, "\(none)")
        }
    }
}
