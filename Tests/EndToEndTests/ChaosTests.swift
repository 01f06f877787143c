import Foundation
import Testing

extension EndToEnd {
    @Suite("Whatever dies, pauses or is resumed, the bits stay the same")
    struct Chaos {
        private static let undisturbed = Result {
            try ChaosRun.training(workers: 2, servers: 1).result()
        }

        private struct Verification: Decodable {
            struct RollBack: Decodable {
                var from: UInt64
                var to: UInt64
            }
            var verified: Bool
            var steps: Int
            var rollBacks: [RollBack]

            enum CodingKeys: String, CodingKey {
                case verified, steps
                case rollBacks = "roll_backs"
            }
        }

        @Test(
            "200 steps of V = 7 under faults end with the bits of an undisturbed run",
            arguments: longTestsAreWanted ? ChaosCase.matrix : ChaosCase.sample)
        func sameBits(chaos: ChaosCase) throws {
            let run = try ChaosRun(chaos)
            let ended = try run.end()
            try #require(ended.code == 0, "\(chaos): \(run.landed) \(ended)")
            let result = try RunResult(line: ended.lastLine)
            let verified = try Programs.emend(["verify", run.path, "--json"])
            try #require(verified.code == 0, "\(chaos): \(verified)")
            let verification = try JSONDecoder().decode(
                Verification.self, from: Data(verified.lastLine.utf8))
            let rollBacks = verification.rollBacks
            print(
                "\(chaos.testDescription): \(run.landed.count) faults,",
                "\(rollBacks.count) roll-backs, \(Int(run.seconds)) s,",
                result.parametersSHA256.prefix(16))
            for fault in run.landed { print("   ", fault) }

            let undisturbed = try Self.undisturbed.get()
            try #require(result.bits == undisturbed.bits, "\(chaos)")
            try #require(verification.verified && verification.steps == ChaosRun.steps)
            let steps = try StepLine.all(ofRun: run.path).map(\.step)
            try #require(steps == Array(0..<ChaosRun.steps))
            try #require(
                chaos.faults == .none ? run.landed.isEmpty : run.landed.count >= 5)
            try #require(chaos.faults != .resumes || run.resumes == 2)
            // Its last fault took all servers.
            try #require(chaos.faults != .kills || !rollBacks.isEmpty)
            try ChaosTable.append(run, result, rollBacks: rollBacks.count)
        }
    }
}
