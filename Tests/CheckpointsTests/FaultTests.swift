import Checkpoints
import Foundation
import Testing

@Suite struct FaultTests {
    @Test(arguments: [ENOSPC, EIO])
    func `Whichever call fails, the previous checkpoint loads and no success is claimed`(
        code: Int32
    ) throws {
        var call = 0
        var hasFailed = true
        while hasFailed {
            call += 1
            let temporary = try TemporaryDirectory()
            let path = temporary.path + "/run"
            let sound = FailingFileSystem(.error(code))
            let previous = try SampleRun(path, fileSystem: sound).writeCheckpoint(step: 10)
            let before = temporary.files
            let fileSystem = FailingFileSystem(.error(code), atCall: call)
            let run = SampleRun(path, fileSystem: fileSystem)
            do throws(CheckpointError) {
                try run.writeCheckpoint(step: 20)
                #expect(fileSystem.failures == 0, "success after call \(call) failed")
                hasFailed = false
                #expect(try run.directory.newestVerified().checkpoint?.manifest.step == 20)
            } catch {
                #expect(fileSystem.failures == 1)
                #expect(error.kind == .inputOutput)
                #expect(error.systemError == code)
                #expect(error.file.hasPrefix(path))
                #expect(error.problem.contains(String(cString: strerror(code))))
                let after = temporary.files
                #expect(
                    !after.keys.contains { $0.hasSuffix(".tmp") }, "call \(call): \(after.keys)")
                for (name, content) in before { #expect(after[name] == content) }
                #expect(try run.directory.open(step: 10).manifest == previous)
                // Where only the last fsync failed, the manifest has its name and all is there.
                let newest = try #require(try run.directory.newestVerified().checkpoint)
                #expect(
                    newest.manifest.step == 10 || error.problem.hasPrefix("fsync of the directory"))
            }
        }
        #expect(call > 20, "a checkpoint of two shards takes more calls than \(call)")
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

    @Test func `Power lost at any call leaves what was reported as saved`() throws {
        var lastCall = 0
        var powerFailed = true
        while powerFailed {
            let temporary = try TemporaryDirectory()
            let path = temporary.path + "/run"
            let fileSystem = PowerLossFileSystem(lastCall: lastCall)
            let run = SampleRun(path, fileSystem: fileSystem)
            var reported: Int?
            do throws(CheckpointError) {
                try run.writeCheckpoint(step: 10)
                reported = 10
                try run.writeCheckpoint(step: 20)
                reported = 20
            } catch { #expect(error.kind == .inputOutput) }
            powerFailed = fileSystem.powerFailed
            let after = try TemporaryDirectory()
            try fileSystem.restore(from: temporary.path, to: after.path)
            let survivor = SampleRun(after.path + "/run")
            let (checkpoint, skipped) = try survivor.directory.newestVerified()
            #expect(skipped.isEmpty, "torn after call \(lastCall): \(skipped)")
            #expect((checkpoint?.manifest.step ?? 0) >= (reported ?? 0), "after call \(lastCall)")
            lastCall += 1
        }
        #expect(lastCall > 40)
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

@Suite struct AtomicFileWriteTests {
    /// Runs the machine against events chosen by `respond`; the effects it asked for.
    private func effects(
        byteCount: Int, respond: (AtomicFileWrite.Effect) -> AtomicFileWrite.Event
    ) -> [AtomicFileWrite.Effect] {
        var machine = AtomicFileWrite(path: "d/f", temporaryPath: "d/f.tmp", byteCount: byteCount)
        var effects = [machine.handle(.start)]
        while true {
            if case .finish = effects.last! { return effects }
            effects.append(machine.handle(respond(effects.last!)))
        }
    }

    @Test func `The order is write, fsync, close, rename, fsync of the directory`() {
        let found = effects(byteCount: 5) { effect in
            switch effect {
            case .write(offset: 0, _): .wrote(byteCount: 3)
            case .write: .wrote(byteCount: 2)
            default: .done
            }
        }
        #expect(
            found == [
                .create("d/f.tmp"), .write(offset: 0, byteCount: 5),
                .write(offset: 3, byteCount: 2),
                .synchronise, .close, .rename("d/f.tmp", to: "d/f"), .synchroniseDirectory("d"),
                .finish(.durable),
            ])
    }

    @Test func `A failed fsync is not repeated`() {
        let found = effects(byteCount: 0) { $0 == .synchronise ? .failed(SystemError(EIO)) : .done }
        #expect(
            found == [
                .create("d/f.tmp"), .synchronise, .close, .remove("d/f.tmp"),
                .finish(.failed(SystemError(EIO), during: "fsync")),
            ])
    }

    @Test func `A write of nothing is an error, not an endless loop`() {
        let found = effects(byteCount: 1) { effect in
            if case .write = effect { .wrote(byteCount: 0) } else { .done }
        }
        #expect(found.last == .finish(.failed(SystemError(EIO), during: "writing")))
    }

    @Test func `An error while cleaning up does not hide the first one`() {
        let found = effects(byteCount: 1) { effect in
            switch effect {
            case .write: .failed(SystemError(ENOSPC))
            case .close, .remove: .failed(SystemError(EIO))
            default: .done
            }
        }
        #expect(found.last == .finish(.failed(SystemError(ENOSPC), during: "writing")))
    }
}
