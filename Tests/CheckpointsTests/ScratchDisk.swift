import Foundation

/// A file system of this test's own: an ext4 in a file, whose power can be cut, or a small tmpfs.
final class ScratchDisk {
    struct Unavailable: Error, CustomStringConvertible {
        let description: String
    }

    enum PowerLoss: UInt32, CaseIterable {
        /// The file system's own journal reaches the disk, dirty files do not.
        case afterLogFlush = 1
        /// Neither does.
        case atOnce = 2
    }

    let mountPoint: String
    private let temporary: TemporaryDirectory
    private let source: String
    private let options: [String]

    /// An ext4 of `mebibytes` on a loop device.
    static func ext4(mebibytes: Int) throws -> ScratchDisk {
        let temporary = try TemporaryDirectory()
        let image = temporary.path + "/image"
        guard FileManager.default.createFile(atPath: image, contents: nil),
            truncate(image, off_t(mebibytes << 20)) == 0
        else { throw Unavailable(description: "\(image) cannot be made") }
        _ = try command("mke2fs", "-q", "-F", "-t", "ext4", image)
        let device = try command("losetup", "--find", "--show", image)
        return try ScratchDisk(temporary, source: device, options: ["-t", "ext4"])
    }

    /// A tmpfs that holds `kibibytes` and no more.
    static func tmpfs(kibibytes: Int) throws -> ScratchDisk {
        try ScratchDisk(
            try TemporaryDirectory(), source: "tmpfs",
            options: ["-t", "tmpfs", "-o", "size=\(kibibytes)k"])
    }

    /// Why there can be no such disk here; nil where there can.
    static func problem(_ make: () throws -> ScratchDisk) -> String? {
        guard geteuid() == 0 else { return "mounting needs root" }
        do {
            let disk = try make()
            guard disk.options.contains("ext4") else { return nil }
            guard disk.losePower(.atOnce) else { return "the kernel has no shutdown ioctl" }
            return nil
        } catch { return "\(error)" }
    }

    private init(_ temporary: TemporaryDirectory, source: String, options: [String]) throws {
        self.temporary = temporary
        self.source = source
        self.options = options
        mountPoint = temporary.path + "/mounted"
        try FileManager.default.createDirectory(
            atPath: mountPoint, withIntermediateDirectories: false)
        try mount()
    }

    deinit {
        _ = try? Self.command("umount", "--lazy", mountPoint)
        if source.hasPrefix("/dev/loop") { _ = try? Self.command("losetup", "--detach", source) }
    }

    private func mount() throws {
        _ = try Self.command(["mount"] + options + [source, mountPoint])
    }

    /// Cuts the power: every later call fails until `powerUp`.
    ///
    /// False where the kernel cannot.
    func losePower(_ loss: PowerLoss) -> Bool {
        let directory = open(mountPoint, O_RDONLY | O_DIRECTORY)
        defer { close(directory) }
        var flags = loss.rawValue
        // EXT4_IOC_SHUTDOWN: _IOR('X', 125, __u32)
        return ioctl(directory, 0x8004_587D, &flags) == 0
    }

    /// Mounts the disk again, as a machine does that has its power back.
    func powerUp() throws {
        _ = try Self.command("umount", mountPoint)
        try mount()
    }

    private static func command(_ words: String...) throws -> String { try command(words) }

    /// The command's output; throws what it complained of.
    private static func command(_ words: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Unavailable(
                description: words[0] + ": "
                    + String(decoding: complaint, as: UTF8.self).filter { !$0.isNewline })
        }
        return String(decoding: text, as: UTF8.self).filter { !$0.isNewline }
    }
}
