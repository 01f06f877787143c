import Checkpoints
import Foundation
import Synchronization
import Testing
import TrainingProtocol

/// The operating system's file system, whose power is cut at one operation: a write takes half of
/// its bytes first.
private final class PowerCutFileSystem: FileSystem, @unchecked Sendable {
    // Sendable: the disk is told one thing, once.
    private let system = PosixFileSystem()
    private let disk: ScratchDisk
    private let loss: ScratchDisk.PowerLoss
    private let last: Int
    private let count = Mutex(0)

    init(_ disk: ScratchDisk, _ loss: ScratchDisk.PowerLoss, atOperation last: Int) {
        self.disk = disk
        self.loss = loss
        self.last = last
    }

    var operationCount: Int { count.withLock { $0 } }

    func perform(
        _ operation: FileOperation, _ bytes: UnsafeRawBufferPointer, on file: inout Int32
    ) -> FileResult {
        let number = count.withLock { count in
            defer { count += 1 }
            return count
        }
        if number == last {
            if case .write = operation {
                let half = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)])
                _ = system.perform(operation, half, on: &file)
            }
            #expect(disk.losePower(loss))
        }
        // Once it is down the kernel refuses by itself.
        return system.perform(operation, bytes, on: &file)
    }
}

@Suite(.serialized) struct PowerLossTests {
    private static let areLongTestsWanted =
        ProcessInfo.processInfo.environment["EMEND_TEST_LONG"] == "1"
    private static let problem = ScratchDisk.problem { try .ext4(mebibytes: 16) }

    /// What a run was told is on disk.
    private struct Reports {
        var checkpoint = 0
        var journaled = 0
    }

    /// Three checkpoints, each journaled, and a pruning.
    private func train(_ path: String, _ fileSystem: any FileSystem) -> Reports {
        var reports = Reports()
        let run = SampleRun(path, fileSystem: fileSystem)
        do throws(CheckpointError) {
            try fileSystem.prepare(path)
            let (journal, _) = try JournalFile.open(path + "/journal.jsonl", on: fileSystem)
            for step in [10, 20, 30] {
                try run.writeCheckpoint(step: step)
                reports.checkpoint = step
                try journal.append(.integer(step))
                reports.journaled += 1
            }
            _ = try run.directory.prune(keep: 2)
        } catch {}
        return reports
    }

    @Test(
        .enabled(
            if: problem == nil,
            "needs root, a loop device and ext4's shutdown ioctl: \(problem ?? "")"))
    func `Power lost on a real disk leaves what was reported as saved`() throws {
        let disk = try ScratchDisk.ext4(mebibytes: 16)
        let whole = PowerCutFileSystem(disk, .atOnce, atOperation: .max)
        _ = train(disk.mountPoint + "/whole", whole)
        let operationCount = whole.operationCount
        #expect(operationCount > 60)
        // All trials visit every operation three times, under both kinds of loss.
        let trialCount = Self.areLongTestsWanted ? 3 * operationCount : 8
        for trial in 0..<trialCount {
            let last =
                Self.areLongTestsWanted
                ? trial % operationCount : trial * operationCount / trialCount
            let loss = ScratchDisk.PowerLoss.allCases[(trial + trial / operationCount) % 2]
            let path = disk.mountPoint + "/run-\(trial)"
            let reports = train(path, PowerCutFileSystem(disk, loss, atOperation: last))
            try disk.powerUp()
            let survivor = SampleRun(path).directory
            let (checkpoint, skipped) = try survivor.newestVerified()
            #expect(skipped.isEmpty, "torn at operation \(last), \(loss): \(skipped)")
            #expect((checkpoint?.manifest.step ?? 0) >= reports.checkpoint, "\(last), \(loss)")
            guard FileManager.default.fileExists(atPath: path) else {
                #expect(reports.journaled == 0)
                continue
            }
            let (_, entries) = try JournalFile.open(path + "/journal.jsonl")
            #expect(entries == [10, 20, 30].prefix(entries.count).map { .integer($0) })
            #expect(entries.count >= reports.journaled, "operation \(last), \(loss)")
            try FileManager.default.removeItem(atPath: path)
        }
        #expect(!Self.areLongTestsWanted || trialCount >= 200)
    }

    @Test(
        .enabled(
            if: problem == nil,
            "needs root, a loop device and ext4's shutdown ioctl: \(problem ?? "")"))
    func `The trials can see a loss`() throws {
        let disk = try ScratchDisk.ext4(mebibytes: 16)
        let file = disk.mountPoint + "/unsynchronised"
        let system = PosixFileSystem()
        var descriptor: Int32 = -1
        let content = Array("content".utf8)
        #expect(
            system.perform(.create(file), .init(start: nil, count: 0), on: &descriptor) == .done)
        content.withUnsafeBytes { bytes in
            let write = FileOperation.write(offset: 0, byteCount: bytes.count)
            #expect(system.perform(write, bytes, on: &descriptor) == .wrote(byteCount: bytes.count))
        }
        _ = system.perform(.close, .init(start: nil, count: 0), on: &descriptor)
        #expect(disk.losePower(.atOnce))
        try disk.powerUp()
        #expect(FileManager.default.contents(atPath: file)?.isEmpty != false)
    }
}

extension FileSystem {
    /// The run's directory, as its lock makes it, but durable.
    fileprivate func prepare(_ path: String) throws(CheckpointError) {
        var machine = DirectoryMachine(path: path)
        var file: Int32 = -1
        let outcome = drive(machine.start(), content: FileContent([]), on: &file) {
            machine.handle($0)
        }
        if case .failed(let failure) = outcome { throw CheckpointError(failure) }
    }
}
