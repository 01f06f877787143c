import Foundation
import Testing

extension EndToEnd {
    @Suite("Roles started by hand")
    struct RolesByHand {
        @Test("They end with the launcher's bits, and all of them with 0")
        func sameBits() throws {
            let cluster = try HandStartedCluster(TinyRun(), servers: 2, workers: 2)
            let members = try [
                cluster.server(), cluster.worker(), cluster.worker(), cluster.server(),
            ]
            for member in [cluster.coordinator] + members {
                let ended = try member.end()
                #expect(ended.code == 0, "\(ended)")
            }
            #expect(try cluster.bits() == FinishedRun.result().bits)
        }

        @Test("A worker that is killed costs nothing but time")
        func killedWorker() throws {
            let training = TinyRun(overrides: ["phases.main.steps=60"])
            let cluster = try HandStartedCluster(training, servers: 1, workers: 2)
            let server = try cluster.server()
            let (killed, survivor) = try (cluster.worker(), cluster.worker())
            try eventually("both workers take part in a step") {
                try FileManager.default.fileExists(atPath: cluster.run + "/metrics.jsonl")
                    && StepLine.all(ofRun: cluster.run).contains { $0.workers == 2 }
            }
            killed.signal(SIGKILL)
            for member in [cluster.coordinator, server, survivor] {
                let ended = try member.end()
                #expect(ended.code == 0, "\(ended)")
            }
            let steps = try StepLine.all(ofRun: cluster.run)
            #expect(steps.map(\.step) == Array(0..<63) && steps.last?.workers == 1)
            #expect(try cluster.bits() == training.result().bits)
        }

        @Test("A worker may join when the run has long begun")
        func lateWorker() throws {
            let training = TinyRun(overrides: ["phases.main.steps=200"])
            let cluster = try HandStartedCluster(training, servers: 1, workers: 1)
            let members = try [cluster.server(), cluster.worker()]
            try eventually("the run has begun") {
                try FileManager.default.fileExists(atPath: cluster.run + "/metrics.jsonl")
                    && !StepLine.all(ofRun: cluster.run).isEmpty
            }
            let late = try cluster.worker()
            for member in [cluster.coordinator] + members {
                #expect(try member.end().code == 0)
            }
            #expect(try late.end().code == 0)
            #expect(try StepLine.all(ofRun: cluster.run).contains { $0.workers == 2 })
            #expect(try cluster.bits() == training.result().bits)
        }

        @Test("A worker that finds nobody says whom it looks for, and ends when it is asked to")
        func nobody() throws {
            let listener = try LoopbackListener()
            let endpoint = "127.0.0.1:\(listener.port)"
            let worker = try RunningProgram(
                "emend-worker", ["--coordinator", endpoint, "--threads", "1"])
            try eventually("the worker says what it waits for") {
                worker.errors.contains("the coordinator's welcome")
            }
            #expect(worker.errors.contains("looking for the coordinator at tcp://\(endpoint)"))
            worker.signal(SIGTERM)
            let ended = try worker.end(withinSeconds: 30)
            #expect(ended.code == 0, "\(ended)")
        }
    }
}
