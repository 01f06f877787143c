import Checkpoints
import Foundation
import Testing
import TrainingProtocol

@Suite struct FullDiskTests {
    private static let problem = ScratchDisk.problem { try .tmpfs(kibibytes: 64) }

    @Test(.enabled(if: problem == nil, "needs to mount a tmpfs: \(problem ?? "")"))
    func `Wherever the disk is full, the previous checkpoint loads and nothing is left behind`()
        throws
    {
        let disk = try ScratchDisk.tmpfs(kibibytes: 256)
        let run = SampleRun(disk.mountPoint + "/run")
        try run.writeCheckpoint(step: 10)
        let filler = disk.mountPoint + "/filler"
        var failures = 0
        // Pages of 4 KiB: the checkpoint needs some, its manifest one more.
        for free in 0...8 {
            try fill(filler, leaving: free * 4096)
            do throws(CheckpointError) {
                try run.writeCheckpoint(step: 20)
                #expect(try run.directory.open(step: 20).manifest.step == 20)
            } catch {
                failures += 1
                #expect(error.systemError == ENOSPC, "\(error)")
                #expect(error.kind == .inputOutput)
            }
            #expect(try run.directory.open(step: 10).manifest.step == 10)
            let names = FileManager.default.enumerator(atPath: disk.mountPoint)?.allObjects ?? []
            #expect(!names.contains { "\($0)".hasSuffix(".tmp") }, "\(names)")
            try? FileManager.default.removeItem(atPath: run.directory.path(of: 20))
            try FileManager.default.removeItem(atPath: filler)
        }
        #expect((1...8).contains(failures), "the disk was full \(failures) times of 9")
        try run.writeCheckpoint(step: 20)
    }

    /// Takes all of a file system's space but this.
    private func fill(_ path: String, leaving free: Int) throws {
        let file = try #require(
            FileManager.default.createFile(atPath: path, contents: nil) ? open(path, O_WRONLY) : nil
        )
        defer { close(file) }
        var status = statvfs()
        try #require(fstatvfs(file, &status) == 0)
        let byteCount = Int(status.f_bavail) * Int(status.f_frsize) - free
        try #require(posix_fallocate(file, 0, off_t(byteCount)) == 0, "\(byteCount) bytes")
    }
}
