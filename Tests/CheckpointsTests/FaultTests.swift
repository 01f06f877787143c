import Checkpoints
import Foundation
import Testing
import TrainingProtocol

@Suite struct FaultTests {
    @Test(arguments: [SystemError.noSpace, .inputOutput])
    func `Whichever call fails, the previous checkpoint loads and no success is claimed`(
        error injected: SystemError
    ) throws {
        var failing = 0
        var hasFailed = true
        while hasFailed {
            failing += 1
            let temporary = try TemporaryDirectory()
            let path = temporary.path + "/run"
            let sound = FailingFileSystem(.error(injected))
            let previous = try SampleRun(path, fileSystem: sound).writeCheckpoint(step: 10)
            let before = temporary.files
            let fileSystem = FailingFileSystem(.error(injected), atOperation: failing)
            let run = SampleRun(path, fileSystem: fileSystem)
            let survivor = SampleRun(path).directory
            do throws(CheckpointError) {
                try run.writeCheckpoint(step: 20)
                #expect(fileSystem.failed == nil, "success after operation \(failing) failed")
                hasFailed = false
                #expect(try survivor.newestVerified().checkpoint?.manifest.step == 20)
            } catch {
                let failed = try #require(fileSystem.failed)
                #expect(error.kind == .inputOutput)
                #expect(error.systemError == injected.code)
                #expect(error.file.hasPrefix(path))
                #expect(error.problem.hasPrefix(failed.name), "\(failed): \(error)")
                #expect(error.problem.contains(String(cString: strerror(injected.code))))
                let after = temporary.files
                #expect(
                    !after.keys.contains { $0.hasSuffix(".tmp") }, "\(failing): \(after.keys)")
                for (name, content) in before { #expect(after[name] == content) }
                #expect(try survivor.open(step: 10).manifest == previous)
                // Where only the last fsync failed, the manifest has its name and all is there.
                let newest = try #require(try survivor.newestVerified().checkpoint)
                #expect(newest.manifest.step == 10 || failed.name == "fsync of the directory")
                if failed == .synchronise {
                    #expect(fileSystem.operations.dropFirst(failing).first == .close)
                }
            }
        }
        #expect(failing > 20, "a checkpoint of two shards takes more calls than \(failing)")
    }

    @Test func `Whichever write is short, the checkpoint is the same`() throws {
        let other = try TemporaryDirectory()
        let expected = try SampleRun(other.path).writeCheckpoint(step: 20)
        var failing = 0
        var hasFailed = true
        while hasFailed {
            failing += 1
            let temporary = try TemporaryDirectory()
            let fileSystem = FailingFileSystem(.shortWrite, atOperation: failing)
            let run = SampleRun(temporary.path, fileSystem: fileSystem)
            #expect(try run.writeCheckpoint(step: 20) == expected)
            #expect(try run.directory.open(step: 20).manifest == expected)
            hasFailed = fileSystem.failed != nil
        }
        #expect(failing > 20)
    }

    @Test func `Short writes and interrupted calls change nothing`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path, fileSystem: FailingFileSystem(.nuisances))
        let manifest = try run.writeCheckpoint(step: 20)
        let other = try TemporaryDirectory()
        #expect(try SampleRun(other.path).writeCheckpoint(step: 20) == manifest)
        #expect(try run.directory.open(step: 20).manifest == manifest)
        #expect(!temporary.files.keys.contains { $0.hasSuffix(".tmp") })
    }

    @Test(arguments: [SystemError.noSpace, .inputOutput])
    func `Whichever call of pruning fails, the checkpoints that are kept load`(
        error injected: SystemError
    ) throws {
        var failing = 0
        var hasFailed = true
        while hasFailed {
            failing += 1
            let temporary = try TemporaryDirectory()
            for step in [10, 20, 30] { try SampleRun(temporary.path).writeCheckpoint(step: step) }
            let fileSystem = FailingFileSystem(.error(injected), atOperation: failing)
            let run = SampleRun(temporary.path, fileSystem: fileSystem)
            do throws(CheckpointError) {
                let pruning = try run.directory.prune(keep: 1)
                // What stays could not be made durable: nothing was deleted.
                hasFailed = fileSystem.failed != nil
                #expect(pruning == (hasFailed ? .refused : .deleted([10, 20])))
            } catch {
                #expect(error.systemError == injected.code)
                #expect(fileSystem.failed != nil)
            }
            let survivors = SampleRun(temporary.path).directory
            #expect(try survivors.newestVerified().checkpoint?.manifest.step == 30)
            // A second attempt finishes what the first began.
            #expect(throws: Never.self) { try survivors.prune(keep: 1) }
            #expect(temporary.files.keys.filter { $0.hasSuffix("manifest.json") }.count == 1)
        }
        #expect(failing > 10)
    }

    @Test func `Power lost at any call leaves what was reported as saved`() throws {
        var last = 0
        var powerFailed = true
        while powerFailed {
            let temporary = try TemporaryDirectory()
            let fileSystem = PowerLossFileSystem(root: temporary.path, untilOperation: last)
            let run = SampleRun(temporary.path + "/run", fileSystem: fileSystem)
            var reported: Int?
            do throws(CheckpointError) {
                for step in [10, 20, 30] {
                    try run.writeCheckpoint(step: step)
                    reported = step
                }
                let pruning = try run.directory.prune(keep: 1)
                #expect(pruning == (fileSystem.powerFailed ? .refused : .deleted([10, 20])))
            } catch { #expect(error.kind == .inputOutput) }
            powerFailed = fileSystem.powerFailed
            for seed in 0..<4 {
                let after = try TemporaryDirectory()
                try fileSystem.restore(to: after.path, seed: UInt64(seed))
                let survivor = SampleRun(after.path + "/run")
                let (checkpoint, skipped) = try survivor.directory.newestVerified()
                #expect(skipped.isEmpty, "torn after operation \(last): \(skipped)")
                #expect((checkpoint?.manifest.step ?? 0) >= (reported ?? 0), "after \(last)")
            }
            last += 1
        }
        #expect(last > 60)
    }

    @Test(arguments: [nil, "fsync", "fsync of the directory"])
    func `A writer without one of its fsyncs would be found out`(missing: String?) throws {
        let temporary = try TemporaryDirectory()
        let fileSystem = PowerLossFileSystem(root: temporary.path) { $0.name == missing }
        try SampleRun(temporary.path + "/run", fileSystem: fileSystem).writeCheckpoint(step: 10)
        var losses = 0
        for seed in 0..<16 {
            let after = try TemporaryDirectory()
            try fileSystem.restore(to: after.path, seed: UInt64(seed))
            let survivor = SampleRun(after.path + "/run").directory
            if try survivor.newestVerified().checkpoint == nil { losses += 1 }
        }
        #expect((losses > 0) == (missing != nil), "\(losses) of 16 lost")
    }

    @Test func `A full disk is named, and the previous checkpoint stays`() throws {
        // The limit is above all that other tests of this process write at the same time.
        let limit = 8 << 20
        let temporary = try TemporaryDirectory()
        try SampleRun(temporary.path).writeCheckpoint(step: 10)
        let tensor = TensorEntry(group: "primary", name: "large", shape: [limit / 4 + 1000])
        let values = [Float](repeating: 1, count: tensor.elementCount)
        let directory = SampleRun(temporary.path).directory
        let previousHandler = signal(SIGXFSZ, SIG_IGN)
        var previous = rlimit()
        getrlimit(__rlimit_resource_t(1), &previous)  // RLIMIT_FSIZE
        var limited = rlimit(rlim_cur: rlim_t(limit), rlim_max: previous.rlim_max)
        setrlimit(__rlimit_resource_t(1), &limited)
        let error = #expect(throws: CheckpointError.self) {
            try values.withUnsafeBufferPointer { values in
                _ = try directory.write(
                    Shard(
                        server: 0, serverCount: 1,
                        planes: [.init(TensorSlice(tensor), .values, values)], scalars: [:]),
                    step: 20)
            }
        }
        setrlimit(__rlimit_resource_t(1), &previous)
        signal(SIGXFSZ, previousHandler)
        #expect(error?.systemError == EFBIG)
        #expect(error?.problem.contains("does not count as saved") == true)
        #expect(!temporary.files.keys.contains { $0.hasSuffix(".tmp") })
        #expect(try directory.newestVerified().checkpoint?.manifest.step == 10)
    }
}
