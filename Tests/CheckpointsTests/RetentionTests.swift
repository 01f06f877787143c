import Checkpoints
import Foundation
import Testing

@Suite struct RetentionTests {
    @Test func `The newest and the best stay`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        for step in [0, 10, 20, 30, 40] { try run.writeCheckpoint(step: step) }
        #expect(try run.directory.best() == nil)
        try run.directory.recordBest(BestCheckpoint(step: 10, meanIOU: 0.5))
        #expect(try run.directory.best() == BestCheckpoint(step: 10, meanIOU: 0.5))
        #expect(try run.directory.prune(keep: 2) == .deleted([0, 20]))
        #expect(try run.directory.steps() == [10, 30, 40])
        #expect(!FileManager.default.fileExists(atPath: run.directory.path(of: 20)))
        #expect(try run.directory.prune(keep: 2) == .deleted([]))
    }

    @Test func `One that is being judged stays until it is let go`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        for step in [10, 20, 30] { try run.writeCheckpoint(step: step) }
        try run.directory.hold(10)
        #expect(try run.directory.prune(keep: 1) == .deleted([20]))
        try run.directory.hold(nil)
        try run.directory.hold(nil)
        #expect(try run.directory.prune(keep: 1) == .deleted([10]))
    }

    @Test func `The only good checkpoint is never deleted`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        for step in [10, 20, 30] { try run.writeCheckpoint(step: step) }
        for step in [20, 30] {
            let path = run.directory.path(of: step) + "/server-0-of-2.safetensors"
            var bytes = try Data(contentsOf: URL(filePath: path))
            bytes[bytes.count - 2] ^= 4
            try bytes.write(to: URL(filePath: path))
        }
        #expect(try run.directory.prune(keep: 2) == .refused)
        #expect(try run.directory.newestVerified().checkpoint?.manifest.step == 10)
    }

    @Test func `Leftovers of unfinished writes go, but not one under way`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        _ = try run.writeShard(server: 0, of: 2, step: 5)
        try run.writeCheckpoint(step: 10)
        _ = try run.writeShard(server: 0, of: 2, step: 20)
        #expect(try run.directory.prune(keep: 1) == .deleted([5]))
        #expect(FileManager.default.fileExists(atPath: run.directory.path(of: 20)))
    }

    @Test(arguments: ["", "{}", "{\"step\":1}", "nonsense"])
    func `A damaged record of the best is an error, not a licence to delete`(text: String) throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        for step in [10, 20, 30] { try run.writeCheckpoint(step: step) }
        try Data(text.utf8).write(to: URL(filePath: run.directory.path + "/best.json"))
        #expect(throws: CheckpointError.self) { try run.directory.prune(keep: 1) }
        #expect(try run.directory.steps() == [10, 20, 30])
    }
}

@Suite struct RunLockTests {
    @Test func `A run directory in use is refused, naming process and host`() throws {
        let temporary = try TemporaryDirectory()
        let path = temporary.path + "/a/b"
        var lock: RunLock? = try RunLock(run: path)
        #expect(lock != nil)
        let error = try #require(throws: CheckpointError.self) { try RunLock(run: path) }
        #expect(error.kind == .inUse)
        #expect(error.file == path)
        let host = ProcessInfo.processInfo.hostName
        #expect(error.problem.contains("already in use by PID \(getpid()) on host"), "\(host)")
        lock = nil
        #expect(throws: Never.self) { try RunLock(run: path) }
    }
}
