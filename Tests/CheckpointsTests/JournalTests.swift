import Checkpoints
import Foundation
import Simulation
import Testing
import TrainingProtocol

/// A journal on a simulated disk, one line per number.
private struct SimulatedJournal {
    var machine = JournalMachine(path: "run/journal")
    var handle: SimulatedFileSystem.Handle?

    /// The lines that the journal holds; nil where opening failed or the power did.
    mutating func open(
        _ disk: inout SimulatedFileSystem, untilOperation last: Int = .max
    ) -> [String]? {
        var machine = machine
        defer { self.machine = machine }
        let reading = disk.drive(machine.open(), on: &handle, untilOperation: last) {
            machine.handle($0)
        }
        guard case .found(let bytes, _) = reading else { return nil }
        let renewal = disk.drive(
            machine.renew(), content: bytes, on: &handle, untilOperation: last
        ) { machine.handle($0) }
        guard renewal == .opened else { return nil }
        return bytes.split(separator: UInt8(ascii: "\n")).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Whether the line was acknowledged; nil where the power failed.
    mutating func append(
        _ line: String, _ disk: inout SimulatedFileSystem, untilOperation last: Int = .max
    ) -> Bool? {
        var machine = machine
        defer { self.machine = machine }
        let content = Array((line + "\n").utf8)
        let outcome = disk.drive(
            machine.append(byteCount: content.count), content: content, on: &handle,
            untilOperation: last
        ) { machine.handle($0) }
        return outcome.map { $0 == .durable }
    }
}

@Suite struct JournalMachineTests {
    private static let lines = (0..<6).map { "fact \($0) " + String(repeating: "x", count: $0 * 7) }

    @Test func `Power lost at any call keeps what was acknowledged, in order`() {
        var last = 0
        var acknowledged = 0
        while acknowledged < Self.lines.count {
            var disk = SimulatedFileSystem(directories: ["run"])
            var journal = SimulatedJournal()
            acknowledged = 0
            if journal.open(&disk, untilOperation: last) != nil {
                for line in Self.lines {
                    guard journal.append(line, &disk, untilOperation: last) == true else { break }
                    acknowledged += 1
                }
            }
            for seed in 0..<20 {
                var survivor = disk
                survivor.crash(seed: UInt64(seed))
                var reopened = SimulatedJournal()
                let found = reopened.open(&survivor)
                #expect(found == Self.lines.prefix(found?.count ?? 0).map { $0 })
                #expect((found?.count ?? -1) >= acknowledged, "operation \(last), seed \(seed)")
                // And the repaired journal takes more.
                #expect(reopened.append("next", &survivor) == true)
                survivor.crash(seed: 1)
                var again = SimulatedJournal()
                #expect(again.open(&survivor) == (found ?? []) + ["next"])
            }
            last += 1
        }
        #expect(last > 15)
    }

    @Test(arguments: [SystemError.inputOutput, .noSpace])
    func `After any failed call nothing is claimed, and nothing acknowledged is lost`(
        error: SystemError
    ) {
        var failing = 0
        while true {
            var disk = SimulatedFileSystem(directories: ["run"])
            disk.failOperation(failing, .error(error))
            var journal = SimulatedJournal()
            var acknowledged = 0
            var hasFailed = journal.open(&disk) == nil
            if !hasFailed {
                for line in Self.lines {
                    let isDurable = journal.append(line, &disk) == true
                    #expect(!(isDurable && hasFailed), "claimed after operation \(failing) failed")
                    hasFailed = hasFailed || !isDurable
                    if isDurable { acknowledged += 1 }
                }
            }
            guard hasFailed else { break }
            // The next coordinator reads what the cache holds, and the power fails after that.
            var cached = SimulatedJournal()
            let believed = cached.open(&disk)
            #expect(believed == Self.lines.prefix(acknowledged).map { $0 })
            disk.crash(seed: UInt64(failing))
            var reopened = SimulatedJournal()
            #expect(reopened.open(&disk) == believed)
            failing += 1
        }
        #expect(failing > 15)
    }

    @Test func `A line that was not taken back after its fsync failed is made durable when read`() {
        var disk = SimulatedFileSystem(directories: ["run"])
        var journal = SimulatedJournal()
        #expect(journal.open(&disk) == [])
        #expect(journal.append("fact 0", &disk) == true)
        disk.failOperation(disk.operationCount + 1, .error(.inputOutput))
        disk.failOperation(disk.operationCount + 2, .error(.inputOutput))
        #expect(journal.append("fact 1", &disk) == false)
        var reopened = SimulatedJournal()
        #expect(reopened.open(&disk) == ["fact 0", "fact 1"])
        for seed in 0..<20 {
            var survivor = disk
            survivor.crash(seed: UInt64(seed))
            var again = SimulatedJournal()
            #expect(again.open(&survivor) == ["fact 0", "fact 1"])
        }
    }

    @Test(arguments: ["fact 0\nfact", "fact 0\n\0\0\0\0\0\0\n", "fact 0\nfa\0\0\0\0"])
    func `A torn end is cut off`(content: String) {
        var disk = SimulatedFileSystem(directories: ["run"])
        var handle: SimulatedFileSystem.Handle?
        _ = disk.perform(.create("run/journal"), on: &handle)
        _ = disk.perform(.write(offset: 0, byteCount: 0), Array(content.utf8), on: &handle)
        var journal = SimulatedJournal()
        #expect(journal.open(&disk) == ["fact 0"])
        #expect(disk.content("run/journal") == Array("fact 0\n".utf8))
    }
}

@Suite struct JournalFileTests {
    private static func entry(_ number: Int) -> JSON {
        .sorted([.init("fact", .string("é\n\(number)")), .init("number", .integer(number))])
    }

    @Test func `What was appended is read back`() throws {
        let temporary = try TemporaryDirectory()
        let path = temporary.path + "/journal"
        for count in 0..<4 {
            let (journal, entries) = try JournalFile.open(path)
            #expect(entries == (0..<count).map(Self.entry))
            try journal.append(Self.entry(count))
        }
    }

    @Test func `Every flipped bit and every cut is found or cut off`() throws {
        let temporary = try TemporaryDirectory()
        let path = temporary.path + "/journal"
        let (journal, _) = try JournalFile.open(path)
        for number in 0..<3 { try journal.append(Self.entry(number)) }
        let whole = try Data(contentsOf: URL(filePath: path))
        let ends = whole.indices.filter { whole[$0] == UInt8(ascii: "\n") }
        for index in whole.indices {
            var damaged = whole
            damaged[index] ^= 1 << UInt8(index % 8)
            try damaged.write(to: URL(filePath: path))
            let line = ends.filter { $0 < index }.count + 1
            // Without its newline the last line counts as torn.
            guard index != ends.last else { continue }
            let error = #expect(throws: CheckpointError.self) { try JournalFile.open(path) }
            #expect(error?.kind == .corrupt)
            #expect(error?.problem.contains("line \(line):") == true, "byte \(index): \(error!)")
        }
        for length in whole.indices {
            try whole.prefix(length).write(to: URL(filePath: path))
            let (_, entries) = try JournalFile.open(path)
            #expect(entries == (0..<ends.filter { $0 < length }.count).map(Self.entry))
        }
    }

    @Test func `A journal that failed once stays unusable`() throws {
        let temporary = try TemporaryDirectory()
        let path = temporary.path + "/journal"
        // Opening a new one takes nine operations; then write, fsync.
        let fileSystem = FailingFileSystem(.error(.inputOutput), atOperation: 11)
        let (journal, _) = try JournalFile.open(path, on: fileSystem)
        for number in 0..<3 {
            let error = #expect(throws: CheckpointError.self) {
                try journal.append(Self.entry(number))
            }
            #expect(error?.systemError == EIO)
            #expect(error?.problem.hasPrefix("fsync failed") == true)
        }
        #expect(fileSystem.operations.filter { $0 == .synchronise }.count == 2)
        #expect(try JournalFile.open(path).entries == [])
    }
}

@Suite struct SimulatedFileSystemTests {
    /// A file with durable content "old", then whatever `change` does, and a crash.
    private func survivors(
        _ change: (inout SimulatedFileSystem, inout SimulatedFileSystem.Handle?) -> Void
    ) -> Set<String> {
        Set(
            (0..<64).map { seed in
                var disk = SimulatedFileSystem(directories: ["d"])
                var handle: SimulatedFileSystem.Handle?
                _ = disk.perform(.create("d/f"), on: &handle)
                _ = disk.perform(
                    .write(offset: 0, byteCount: 3), Array("old".utf8), on: &handle)
                _ = disk.perform(.synchronise, on: &handle)
                _ = disk.perform(.synchroniseDirectory("d"), on: &handle)
                change(&disk, &handle)
                disk.crash(seed: UInt64(seed))
                return disk.paths.filter { $0 != "d" }.map { path in
                    path + "=" + String(decoding: disk.content(path) ?? [], as: UTF8.self)
                }.joined(separator: " ")
            })
    }

    private func write(
        _ text: String, _ disk: inout SimulatedFileSystem,
        _ handle: inout SimulatedFileSystem.Handle?
    ) {
        _ = disk.perform(.write(offset: 0, byteCount: text.count), Array(text.utf8), on: &handle)
    }

    @Test func `Of unsynchronised writes any prefix may survive`() {
        #expect(
            survivors { write("12", &$0, &$1) } == ["d/f=old", "d/f=old1", "d/f=old12"])
    }

    @Test func `A rename survives for sure once the directory is synchronised`() {
        #expect(
            survivors { disk, handle in _ = disk.perform(.rename("d/f", to: "d/g"), on: &handle) }
                == ["d/f=old", "d/g=old"])
        #expect(
            survivors { disk, handle in
                _ = disk.perform(.rename("d/f", to: "d/g"), on: &handle)
                _ = disk.perform(.synchroniseDirectory("d"), on: &handle)
            } == ["d/g=old"])
    }

    @Test func `What a failed fsync lost is never durable, though it can be read`() {
        let left = survivors { disk, handle in
            disk.failOperation(disk.operationCount + 1, .error(.inputOutput))
            write("1", &disk, &handle)
            #expect(disk.perform(.synchronise, on: &handle) == .failed(.inputOutput))
            #expect(disk.content("d/f") == Array("old1".utf8))
            #expect(disk.perform(.synchronise, on: &handle) == .done)
        }
        #expect(left == ["d/f=old"])
    }

    @Test func `A host that loses its power takes only what it wrote itself`() {
        let left = Set(
            (0..<32).map { seed in
                var disk = SimulatedFileSystem(directories: ["d"])
                for host in [1, 2] {
                    var handle: SimulatedFileSystem.Handle?
                    let bytes = Array("\(host)".utf8)
                    let write = FileOperation.write(offset: 0, byteCount: 1)
                    _ = disk.perform(.create("d/\(host)"), on: &handle, by: host)
                    _ = disk.perform(write, bytes, on: &handle, by: host)
                }
                disk.crash(of: 1, seed: UInt64(seed))
                let survivors = disk.paths
                disk.crash(of: 1, seed: UInt64(seed) + 1)
                #expect(disk.paths == survivors, "what is on the disk stays there")
                #expect(disk.content("d/2") == Array("2".utf8))
                return disk.content("d/1").map { String(decoding: $0, as: UTF8.self) } ?? "none"
            })
        #expect(left == ["1", "", "none"])
    }

    @Test func `A full disk takes what fits, then fails`() {
        var disk = SimulatedFileSystem(directories: ["d"])
        disk.capacity = 5
        var handle: SimulatedFileSystem.Handle?
        _ = disk.perform(.create("d/f"), on: &handle)
        let bytes = Array("1234567".utf8)
        let write = FileOperation.write(offset: 0, byteCount: bytes.count)
        #expect(disk.perform(write, bytes, on: &handle) == .wrote(byteCount: 5))
        #expect(disk.perform(write, bytes, on: &handle) == .failed(.noSpace))
    }
}
