import Foundation
import RawPeers
import Simulation
import Testing
import TrainingProtocol
import Transport

extension EndToEnd {
    @Suite("Hostile peers beside a training run")
    struct HostilePeers {
        private static let steps = 800
        private static let training = TinyRun(
            method: "supervised", slots: 3, workers: 2, servers: 2,
            overrides: ["phases.main.steps=\(steps)", "checkpoint.every=100"])
        private static let halfOpenConnections = 500

        /// A training run whose memory is watched.
        private struct Observed {
            let folder: ScratchFolder
            let launcher: RunningProgram
            var peak = PeakMemory()
            var path: String { folder.path("run") }
            var steps: Int { (try? StepLine.all(ofRun: path).count) ?? 0 }

            init() throws {
                folder = try ScratchFolder()
                launcher = try RunningProgram(
                    "emend",
                    training.arguments(
                        data: SyntheticData.shared().root, run: folder.path("run")))
            }

            mutating func reach(step: Int) throws {
                try eventually("step \(step); \(launcher.errors)", withinSeconds: 300) {
                    try peak.look(atRun: path)
                    return steps >= step
                }
            }

            func processes() throws -> [Int32] {
                try ProcessTable.entries(mentioning: path).map(\.processIdentifier).sorted()
            }

            func result() throws -> RunResult {
                let ended = try launcher.end()
                try #require(ended.code == 0, "\(ended)")
                #expect(!ended.errors.contains("started again"), "\(ended)")
                return try RunResult(line: ended.lastLine)
            }
        }

        private static func garbage(to endpoint: Endpoint, _ dice: inout SplitMix64) {
            for _ in 0..<50 {
                let connection = RawConnection(to: endpoint)
                connection.write(
                    (0..<512).map { _ in UInt8.random(in: .min ... .max, using: &dice) })
                connection.write(Array("GET / HTTP/1.1\r\n\r\n".utf8))
            }
        }

        /// Half of them begin a greeting and stop.
        private static func halfOpen(to endpoint: Endpoint, count: Int) -> [RawConnection] {
            (0..<count).map { index in
                let connection = RawConnection(to: endpoint)
                if index.isMultiple(of: 2) {
                    connection.write([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f])
                }
                return connection
            }
        }

        /// Words of a stranger to the coordinator; none may change anything.
        private static func harass(_ run: OverheardRun) -> Int {
            let incarnation = Incarnation.random()
            let dealer = RawDealer(
                to: run.coordinator, routingID: RawDealer.routingID(of: incarnation))
            func greeting(_ numerics: String?, endpoint: String?) -> MessageBody {
                .greeting(
                    Greeting(
                        build: Build("none of ours"),
                        numericsClass: numerics.map { NumericsClass($0) },
                        advertisedEndpoint: endpoint, processID: 1, host: "h", threadCount: 1,
                        leases: [], shards: []))
            }
            let trailer = Trailer(
                samples: 6, validPixels: 1, losses: [1, 1, 1, 1], metrics: [0],
                finiteness: .finite, maximumAbsoluteGradient: 1)
            let bodies: [(Role, MessageBody)] = [
                (.worker, greeting("x", endpoint: nil)), (.server, greeting(nil, endpoint: nil)),
                (.server, greeting(nil, endpoint: "tcp://127.0.0.1:1")),
                (.worker, .drain),
                (
                    .worker,
                    .leaseReturned(
                        LeaseReturned(lease: LeaseID(1), reason: .failed, explanation: "no"))
                ),
                (
                    .server,
                    .stepCommitted(
                        StepCommitted(
                            shard: ShardIndex(0), step: Step(9), decision: .skip, trailer: trailer,
                            trailerContributions: [], chunks: [], stateHash: Digest(0),
                            durableThrough: Version(99)))
                ),
                (
                    .server,
                    .backupLost(
                        BackupLost(
                            shard: ShardIndex(0), backup: ServerIndex(1), version: Version(1)))
                ),
                (.coordinator, .finish(Finish(outcome: .failed, explanation: "over"))),
                (.observer, .statusRequested),
            ]
            var sent = 0
            for runID in [run.id, RunID(high: 1, low: 2), RunID.none] {
                for (role, body) in bodies {
                    let header = Header(
                        protocolVersion: Header.currentProtocolVersion, run: runID, role: role,
                        incarnation: incarnation, coordinatorTerm: CoordinatorTerm(1),
                        shardTerm: ShardTerm(1))
                    for _ in 0..<3 { dealer.send(Message(header: header, body: body)) }
                    sent += 3
                }
            }
            dealer.send(Array(repeating: [UInt8](repeating: 7, count: 900), count: 1_000))
            while dealer.receive(milliseconds: 200) != nil {}
            return sent + 1
        }

        @Test("They are refused: no bit changes, no process ends, memory stays bounded")
        func besideTraining() throws {
            var calm = try Observed()
            try calm.reach(step: Self.steps)
            let undisturbed = try calm.result()

            var run = try Observed()
            try run.reach(step: 20)
            let processes = try run.processes()
            let overheard = try OverheardRun(path: run.path)
            let endpoints = [overheard.coordinator] + overheard.shards.map(\.endpoint)
            let halfOpen = endpoints.flatMap {
                Self.halfOpen(to: $0, count: Self.halfOpenConnections / endpoints.count + 1)
            }
            var dice = SplitMix64(seed: 2)
            let workers = try overheard.shards.map { try HostileWorker(overheard, $0) }
            var words = 0
            for _ in 0..<3 {
                for worker in workers { try worker.attack() }
                words += Self.harass(overheard)
                for endpoint in endpoints { Self.garbage(to: endpoint, &dice) }
                try run.peak.look(atRun: run.path)
            }
            let step = run.steps
            #expect(step < Self.steps, "the run must go on beside the attack")
            #expect(try run.processes() == processes)
            #expect(halfOpen.allSatisfy { $0.closes(within: 15_000) })
            try run.reach(step: Self.steps)

            let result = try run.result()
            #expect(result.bits == undisturbed.bits)
            let verified = try Programs.emend(["verify", run.path])
            #expect(verified.code == 0, "\(verified)")
            let ledger = try String(contentsOfFile: run.path + "/ledger.jsonl", encoding: .utf8)
            var outcomes: [ContributionOutcome: Int] = [:]
            for worker in workers {
                #expect(!ledger.contains(worker.incarnation.description))
                outcomes.merge(worker.outcomes, uniquingKeysWith: +)
                #expect((worker.refusals[.run] ?? 0) > 0)
            }
            for harmless in [ContributionOutcome.recorded, .duplicate, .awaitingConfirmation] {
                #expect(outcomes[harmless] == nil, "\(outcomes)")
            }
            for due in [ContributionOutcome.stale, .nonFinite, .corrupt, .malformed, .shardTerm] {
                #expect((outcomes[due] ?? 0) > 0, "\(due) in \(outcomes)")
            }
            for (program, peak) in run.peak.byteCounts.sorted(by: { $0.key < $1.key }) {
                let calm = calm.peak.byteCounts[program] ?? 0
                print("\(program): \(calm >> 20) MiB undisturbed, \(peak >> 20) MiB attacked")
                #expect(peak <= calm + 64 << 20, "\(program)")
            }
            print(
                "\(workers.map(\.sent).reduce(words, +)) hostile messages until step \(step), "
                    + "\(halfOpen.count) half-open connections; outcomes \(outcomes)")
        }
    }
}
