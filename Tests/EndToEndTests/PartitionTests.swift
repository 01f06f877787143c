import Foundation
import Testing

extension EndToEnd {
    @Suite(
        "A network that is cut and heals changes no bit",
        .enabled(if: longTestsAreWanted, "takes minutes: set EMEND_TEST_LONG=1"),
        .enabled(
            if: !longTestsAreWanted || NetworkNamespaces.absence == nil,
            "no network namespaces here: \(NetworkNamespaces.absence ?? "")"))
    struct Partitions {
        /// Members by the place of their namespace.
        private static let coordinator = 0
        private static let servers = [1, 2]
        private static let workers = [3, 4, 5]

        struct Cut: CustomTestStringConvertible, Sendable {
            let name: String
            /// Pairs of sender and receiver.
            let drops: [(Int, Int)]

            var testDescription: String { name }

            static func all(_ name: String, _ one: Int, _ other: Int) -> [Cut] {
                [
                    Cut(name: "\(name), both ways", drops: [(one, other), (other, one)]),
                    Cut(name: "\(name), there", drops: [(one, other)]),
                    Cut(name: "\(name), back", drops: [(other, one)]),
                ]
            }
        }

        static let cuts =
            Cut.all("server to coordinator", servers[0], coordinator)
            + Cut.all("worker to server", workers[0], servers[0])

        /// A process that is started again whenever it ends before the run does.
        private struct Member {
            let start: () throws -> RunningProgram
            var program: RunningProgram
            var starts = 1

            init(_ start: @escaping () throws -> RunningProgram) throws {
                self.start = start
                program = try start()
            }

            mutating func keepAlive() throws {
                guard !program.isRunning, try program.end().code != 0 else { return }
                program = try start()
                starts += 1
            }
        }

        private static let training = TinyRun(
            slots: 7,
            overrides: ChaosRun.pace + [
                "phases.ancillary.steps=200", "phases.main.steps=300", "checkpoint.every=20",
            ])
        private static let undisturbed = Result {
            var whole = training
            (whole.workers, whole.servers) = (2, 1)
            return try whole.result().bits
        }

        @Test("For 5 s and for 20 s: the run ends with its bits", arguments: cuts)
        func cut(_ cut: Cut) throws {
            let network = try NetworkNamespaces(count: 6)
            let cluster = try HandStartedCluster(
                Self.training, servers: 2, workers: 3, on: network[Self.coordinator])
            var members = try Self.servers.map { host in
                try Member { try cluster.server(on: network[host]) }
            }
            members += try Self.workers.map { host in
                try Member { try cluster.worker(on: network[host]) }
            }
            func wait(_ what: String, _ condition: () throws -> Bool) throws {
                try eventually(
                    "\(what); \(cluster.coordinator.errors.suffix(3000))", withinSeconds: 240
                ) {
                    for place in members.indices where cluster.coordinator.isRunning {
                        try members[place].keepAlive()
                    }
                    return try condition()
                }
            }
            for seconds in [5, 20] {
                let before = cluster.steps.count
                try wait("20 steps more") { cluster.steps.count >= before + 20 }
                for (sender, receiver) in cut.drops {
                    try network.drop(from: sender, to: receiver)
                }
                let (cutAt, deadline) = (
                    cluster.steps.count, ContinuousClock.now + .seconds(seconds)
                )
                try wait("the cut is over") { ContinuousClock.now > deadline }
                print("\(cut.name), \(seconds) s: \(cluster.steps.count - cutAt) steps meanwhile")
                try network.heal()
            }
            try wait("the end") { !cluster.coordinator.isRunning }
            let ended = try cluster.coordinator.end()
            #expect(ended.code == 0, "\(ended)")
            print("\(cut.name): starts \(members.map(\.starts))")
            #expect(try cluster.bits() == Self.undisturbed.get())
            let verified = try Programs.emend(["verify", cluster.run])
            #expect(verified.code == 0, "\(verified)")
        }
    }
}
