import TrainingProtocol

/// The run's directory: one file system that all processes write to, and what its files mean.
///
/// A file, or a line of the journal, holds the number of a record and some padding; what the record
/// says is kept here. What was reported to be there must be there, whoever loses his power.
struct SimulatedDisk: Sendable {
    struct Shard: Equatable, Sendable {
        let version: Version
        let chunks: [Chunk]
    }

    struct Chunk: Equatable, Sendable {
        let id: ChunkID
        let state: SyntheticWorkload.ChunkState
        /// The older versions' parameters that steps to come read, the oldest first.
        let earlier: [[Float]]
    }

    struct Manifest: Equatable, Sendable {
        let version: Version
        let files: [WrittenFile]
    }

    private enum Record: Equatable, Sendable {
        case fact(JournalEntry)
        case shard(Shard)
        case manifest(Manifest)
    }

    static let run = "run"
    static let checkpoints = "run/checkpoints"
    static let journal = "run/journal"
    static let manifestName = "manifest"

    var fileSystem = SimulatedFileSystem(directories: [run])
    private var records: [Record] = []
    /// Facts that somebody was told are in the journal, by record.
    private var journaled: [Int] = []
    /// Checkpoints that somebody was told are there, oldest first.
    private(set) var manifests: [CheckpointReference] = []
    /// Those of them that retention has begun to delete.
    private var retired: [Version] = []
    private(set) var ledger: [StepRecord] = []
    /// The step of the ledger's first entry.
    var firstStep: UInt64 = 0

    // MARK: Records

    /// The number of a record; equal ones have one number, as equal files have one hash.
    private mutating func number(of record: Record) -> Int {
        if let known = records.lastIndex(of: record) { return known }
        records.append(record)
        return records.count - 1
    }

    private static func text(_ number: Int) -> [UInt8] {
        Array("\(number) \(String(repeating: ".", count: 48))\n".utf8)
    }

    /// The record that some bytes hold; nil where they are not what was once written.
    private func record(_ bytes: [UInt8]) -> (number: Int, record: Record)? {
        let digits = bytes.prefix { $0 != UInt8(ascii: " ") }
        guard let number = Int(String(decoding: digits, as: UTF8.self)),
            records.indices.contains(number), bytes == Self.text(number)
        else { return nil }
        return (number, records[number])
    }

    // MARK: Journal

    /// The line of a fact; each has its own, however often it is told.
    mutating func line(of fact: JournalEntry) -> (number: Int, text: [UInt8]) {
        records.append(.fact(fact))
        return (records.count - 1, Self.text(records.count - 1))
    }

    /// Somebody is told that the line is in the journal.
    mutating func acknowledge(line: Int) throws(InvariantViolation) {
        let text = Self.text(line)
        guard fileSystem.durableContent(Self.journal)?.suffix(text.count) == text[...] else {
            throw InvariantViolation("line \(line) is acknowledged and may be lost")
        }
        journaled.append(line)
    }

    /// What was acknowledged, in order.
    var facts: [JournalEntry] { journaled.compactMap(fact) }

    private func fact(_ number: Int) -> JournalEntry? {
        guard case .fact(let fact) = records[number] else { return nil }
        return fact
    }

    /// The facts of a journal that was opened: all that were acknowledged, and at most one that was
    /// on its way.
    mutating func open(_ bytes: [UInt8]) throws(InvariantViolation) -> [JournalEntry] {
        var found: [Int] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let record = record(line + [UInt8(ascii: "\n")]), fact(record.number) != nil
            else {
                throw InvariantViolation("line \(found.count + 1) of the journal is damaged")
            }
            found.append(record.number)
        }
        guard found.starts(with: journaled), found.count <= journaled.count + 1 else {
            throw InvariantViolation(
                "the journal holds lines \(found), and \(journaled) were acknowledged")
        }
        guard fileSystem.durableContent(Self.journal) == bytes else {
            throw InvariantViolation("lines \(found) of the journal are read and may be lost")
        }
        journaled = found
        return facts
    }

    // MARK: Checkpoints

    static func directory(of version: Version) -> String { "\(checkpoints)/\(version.index)" }

    static func manifestPath(of version: Version) -> String {
        "\(directory(of: version))/\(manifestName)"
    }

    /// The versions that have a directory, oldest first.
    static func versions(_ names: [String]) -> [Version] {
        names.compactMap { UInt64($0).map { Version($0) } }.sorted()
    }

    func holdsManifest(of version: Version) -> Bool {
        fileSystem.content(Self.manifestPath(of: version)) != nil
    }

    /// The file that holds a shard, and its content.
    mutating func file(_ shard: Shard, name: String) -> (file: WrittenFile, content: [UInt8]) {
        let number = number(of: .shard(shard))
        let text = Self.text(number)
        let file = WrittenFile(
            name: name, byteCount: UInt64(text.count), hash: contentHash(of: UInt64(number)))
        return (file, text)
    }

    mutating func content(of manifest: Manifest) -> [UInt8] {
        Self.text(number(of: .manifest(manifest)))
    }

    /// What processes see, or what no loss of power takes away.
    enum View { case seen, durable }

    private func content(_ path: String, _ view: View) -> [UInt8]? {
        switch view {
        case .seen: fileSystem.content(path)
        case .durable: fileSystem.durableContent(path)
        }
    }

    /// The manifest of a version, where a whole one is there.
    func manifest(of version: Version, _ view: View = .seen) -> Manifest? {
        guard let bytes = content(Self.manifestPath(of: version), view),
            case .manifest(let manifest)? = record(bytes)?.record
        else { return nil }
        return manifest
    }

    func reference(to version: Version, _ view: View = .seen) -> CheckpointReference? {
        let path = Self.manifestPath(of: version)
        guard let number = content(path, view).flatMap({ record($0)?.number }) else {
            return nil
        }
        return CheckpointReference(
            version: version, manifest: path, hash: contentHash(of: UInt64(number)))
    }

    /// All chunks of a checkpoint, by id; nil unless each file is as its manifest says.
    func load(_ version: Version, _ view: View = .seen) -> [Chunk]? {
        manifest(of: version, view).flatMap { load($0, view) }
    }

    func load(_ manifest: Manifest, _ view: View = .seen) -> [Chunk]? {
        var chunks: [Chunk] = []
        for file in manifest.files {
            let path = "\(Self.directory(of: manifest.version))/\(file.name)"
            guard let (number, record) = content(path, view).flatMap(record),
                case .shard(let shard) = record, file.hash == contentHash(of: UInt64(number))
            else { return nil }
            chunks += shard.chunks
        }
        return chunks.sorted { $0.id < $1.id }
    }

    /// Somebody is told that the checkpoint is there.
    mutating func acknowledge(_ reference: CheckpointReference) throws(InvariantViolation) {
        retired.removeAll { $0 == reference.version }
        manifests.removeAll { $0.version == reference.version }
        manifests.append(reference)
        manifests.sort { $0.version < $1.version }
        try check()
    }

    /// Retention has deleted the manifest, so nobody may count on the checkpoint any more.
    mutating func retire(_ version: Version) { retired.append(version) }

    func isRetired(_ version: Version) -> Bool { retired.contains(version) }

    /// Every checkpoint that was reported is there for good, whole, and one is left.
    func check() throws(InvariantViolation) {
        let promised = manifests.filter { !isRetired($0.version) }
        guard !promised.isEmpty || manifests.isEmpty else {
            throw InvariantViolation("no checkpoint is left")
        }
        for promise in promised {
            guard reference(to: promise.version, .durable) == promise,
                load(promise.version, .durable) != nil, load(promise.version) != nil
            else {
                throw InvariantViolation(
                    "checkpoint \(promise.version) was reported and may be lost")
            }
        }
    }

    /// All hosts lose their power when the run is over: what was reported is there nevertheless.
    mutating func loseAll(seed: UInt64) throws(InvariantViolation) {
        fileSystem.crash(seed: seed)
        try check()
        let bytes = readJournal()
        _ = try open(bytes)
    }

    /// What whoever opens the journal finds and makes durable.
    private mutating func readJournal() -> [UInt8] {
        var machine = JournalMachine(path: Self.journal)
        var file: SimulatedFileSystem.Handle?
        let reading = fileSystem.drive(machine.open(), on: &file) { machine.handle($0) }
        guard case .found(let lines, _)? = reading else {
            preconditionFailure("reading the journal came to \(String(describing: reading))")
        }
        let renewal = fileSystem.drive(machine.renew(), content: lines, on: &file) {
            machine.handle($0)
        }
        precondition(
            renewal == .opened, "renewing it came to \(String(describing: renewal))")
        return lines
    }

    // MARK: Ledger

    var recordedThrough: Version { Version(firstStep + UInt64(ledger.count)) }

    mutating func append(_ records: [StepRecord]) throws(InvariantViolation) {
        for record in records {
            guard record.step.index == recordedThrough.index else {
                throw InvariantViolation(
                    "the ledger is at \(recordedThrough) and gets step \(record.step)")
            }
            ledger.append(record)
        }
    }

    mutating func cutLedger(_ version: Version) {
        let kept = version.index < firstStep ? 0 : Int(version.index - firstStep)
        ledger = Array(ledger.prefix(kept))
    }
}
