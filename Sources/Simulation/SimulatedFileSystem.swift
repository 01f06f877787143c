import TrainingProtocol

/// A file system in memory that knows what a loss of power would leave of it.
///
/// Content and names are volatile until they are synchronised: a crash keeps the durable state and,
/// of what came after, any prefix of a file's writes, the last one torn at any byte, and any of a
/// directory's changes. After a failed fsync the file's dirty bytes count as clean and never reach
/// the disk, though they can still be read: as on Linux. Each change belongs to the host that made
/// it, which may lose its power alone.
package struct SimulatedFileSystem: Sendable {
    /// What a process holds of an open file.
    package struct Handle: Hashable, Sendable {
        fileprivate let file: Int
        /// Each create or open has its own number.
        fileprivate let number: Int
    }

    /// How an operation fails.
    package enum Fault: Hashable, Sendable {
        case error(SystemError)
        /// A write takes this many bytes and no more; any other operation goes through.
        case shortWrite(byteCount: Int)
    }

    private enum Change: Sendable {
        case write(at: Int, [UInt8])
        case truncate(Int)
    }

    /// What is not synchronised yet; of no host once it has outlived the host's loss of power.
    private struct Pending<Change: Sendable>: Sendable {
        var change: Change
        var host: Int?
    }

    private struct File: Sendable {
        var content: [UInt8] = []
        var durable: [UInt8] = []
        /// Not yet synchronised, in order.
        var pending: [Pending<Change>] = []
        /// Whose memory alone holds some of the content, after a failed fsync.
        var forsaken: [Int] = []
    }

    /// A file, or a directory.
    private enum Node: Hashable, Sendable {
        case file(Int)
        case directory
    }

    /// One change of the names: removals before additions, all or nothing.
    private struct NameChange: Sendable {
        let directory: String
        let removed: [String]
        let added: [String: Node]
    }

    private let roots: [String]
    private var files: [File] = []
    private var names: [String: Node]
    private var durableNames: [String: Node]
    private var pendingNames: [Pending<NameChange>] = []
    private var open: [Handle] = []
    private var faults: [Int: Fault] = [:]
    /// Operations performed so far, failed ones included.
    package private(set) var operationCount = 0
    /// Bytes that all files together may hold; writes beyond are `ENOSPC`.
    package var capacity = Int.max
    /// Bytes that the disk takes in a millisecond, for `milliseconds(for:)`.
    package var byteCountPerMillisecond = 100_000

    /// An empty file system with these directories, which are durable.
    package init(directories: [String]) {
        roots = directories
        names = Dictionary(directories.map { ($0, .directory) }, uniquingKeysWith: { $1 })
        durableNames = names
    }

    /// Lets the operation with this number, counted from 0, fail.
    package mutating func failOperation(_ number: Int, _ fault: Fault) { faults[number] = fault }

    /// How long an operation occupies the disk: what a fsync flushes, at the disk's rate.
    package func milliseconds(for operation: FileOperation, on handle: Handle?) -> UInt64 {
        switch operation {
        case .synchronise:
            guard let handle else { return 0 }
            let byteCount = files[handle.file].pending.reduce(0) { sum, pending in
                if case .write(_, let bytes) = pending.change { return sum + bytes.count }
                return sum
            }
            return 1 + UInt64(byteCount / max(byteCountPerMillisecond, 1))
        case .synchroniseDirectory: return 1
        default: return 0
        }
    }

    // MARK: What is there

    /// The content of a file as processes see it; nil where there is none.
    package func content(_ path: String) -> [UInt8]? {
        guard case .file(let index) = names[path] else { return nil }
        return files[index].content
    }

    /// The content of a file that no loss of power takes away; nil where the name itself may be lost.
    package func durableContent(_ path: String) -> [UInt8]? {
        guard case .file(let index) = durableNames[path] else { return nil }
        var directory = parentDirectory(of: path)
        while !roots.contains(directory) {
            guard durableNames[directory] == .directory else { return nil }
            directory = parentDirectory(of: directory)
        }
        return files[index].durable
    }

    /// All paths, sorted, directories included.
    package var paths: [String] { names.keys.sorted() }

    /// Whether a path is a directory.
    package func isDirectory(_ path: String) -> Bool { names[path] == .directory }

    // MARK: Operations

    /// Performs one operation of a storage machine.
    /// - Parameters:
    ///   - bytes: what `write` is to write.
    ///   - handle: the machine's open file: set by `create` and `openToAppend`, nil after `close`.
    ///   - host: whose memory holds what is written until it is synchronised, by anybody.
    package mutating func perform(
        _ operation: FileOperation, _ bytes: [UInt8] = [], on handle: inout Handle?,
        by host: Int = 0
    ) -> FileResult {
        defer { operationCount += 1 }
        let fault = faults.removeValue(forKey: operationCount)
        if case .error(let error) = fault {
            suffer(operation, error, &handle, host)
            return .failed(error)
        }
        switch operation {
        case .create(let path): return create(path, .empty, &handle, host)
        case .openToAppend(let path): return create(path, .asItIs, &handle, host)
        case .write:
            if case .shortWrite(let byteCount) = fault {
                return write(Array(bytes.prefix(byteCount)), handle, host)
            }
            return write(bytes, handle, host)
        case .read: return read(handle)
        case .truncate(let byteCount): return truncate(byteCount, handle, host)
        case .synchronise: return synchronise(handle)
        case .close:
            open.removeAll { $0 == handle }
            handle = nil
            return .done
        case .rename(let source, let target): return rename(source, target, host)
        case .synchroniseDirectory(let path): return synchroniseDirectory(path)
        case .makeDirectory(let path): return makeDirectory(path, host)
        case .list(let path):
            guard names[path] == .directory else { return .failed(.notFound) }
            return .listed(children(of: path).map { String($0.dropFirst(path.count + 1)) })
        case .remove(let path): return remove(path, host)
        }
    }

    /// Drives a storage machine to its end, or to the loss of power.
    /// - Parameters:
    ///   - content: what the machine's writes write.
    ///   - last: the operation with this number is not performed any more.
    /// - Returns: nil where the power failed first; then `crash` is due.
    package mutating func drive<Outcome>(
        _ first: FileEffect<Outcome>, content: [UInt8] = [], on handle: inout Handle?,
        untilOperation last: Int = .max, next: (FileResult) -> FileEffect<Outcome>
    ) -> Outcome? {
        var effect = first
        while case .perform(let operation) = effect {
            guard operationCount < last else { return nil }
            var bytes: [UInt8] = []
            if case .write(let offset, let byteCount) = operation {
                bytes = Array(content[offset..<offset + byteCount])
            }
            effect = next(perform(operation, bytes, on: &handle))
        }
        guard case .finish(let outcome) = effect else { return nil }
        return outcome
    }

    /// What a failed call does nevertheless.
    private mutating func suffer(
        _ operation: FileOperation, _ error: SystemError, _ handle: inout Handle?, _ host: Int
    ) {
        switch operation {
        case .synchronise:
            // One that was interrupted may be repeated: the dirty bytes are still dirty.
            guard let handle, error != .interrupted else { return }
            files[handle.file].forsaken += files[handle.file].pending.compactMap(\.host)
            files[handle.file].pending.removeAll { $0.host != nil }
        case .close:
            open.removeAll { $0 == handle }
            handle = nil
        default: break
        }
    }

    private enum Opening { case empty, asItIs }

    private mutating func create(
        _ path: String, _ opening: Opening, _ handle: inout Handle?, _ host: Int
    ) -> FileResult {
        guard names[parentDirectory(of: path)] == .directory else { return .failed(.notFound) }
        let file: Int
        switch names[path] {
        case .file(let index): file = index
        case .directory: return .failed(.exists)
        case nil:
            file = files.count
            files.append(File())
            change(
                NameChange(
                    directory: parentDirectory(of: path), removed: [], added: [path: .file(file)]),
                host)
        }
        let opened = Handle(file: file, number: operationCount)
        open.append(opened)
        handle = opened
        if opening == .empty, !files[file].content.isEmpty { _ = truncate(0, handle, host) }
        return .done
    }

    private func file(_ handle: Handle?) -> Int {
        guard let handle, open.contains(handle) else {
            preconditionFailure("an operation on a file that is not open")
        }
        return handle.file
    }

    private mutating func write(
        _ bytes: [UInt8], _ handle: Handle?, _ host: Int
    ) -> FileResult {
        let file = file(handle)
        let taken = Array(bytes.prefix(room))
        guard !taken.isEmpty || bytes.isEmpty else { return .failed(.noSpace) }
        let change = Change.write(at: files[file].content.count, taken)
        files[file].pending.append(Pending(change: change, host: host))
        files[file].content += taken
        return .wrote(byteCount: taken.count)
    }

    private var room: Int {
        guard capacity < .max else { return .max }
        return max(0, capacity - files.reduce(0) { $0 + $1.content.count })
    }

    private func read(_ handle: Handle?) -> FileResult { .read(files[file(handle)].content) }

    private mutating func truncate(
        _ byteCount: Int, _ handle: Handle?, _ host: Int
    ) -> FileResult {
        let file = file(handle)
        files[file].pending.append(Pending(change: .truncate(byteCount), host: host))
        Self.apply(.truncate(byteCount), to: &files[file].content)
        return .done
    }

    private mutating func synchronise(_ handle: Handle?) -> FileResult {
        let file = file(handle)
        for pending in files[file].pending {
            Self.apply(pending.change, to: &files[file].durable)
        }
        files[file].pending = []
        return .done
    }

    private static func apply(_ change: Change, to content: inout [UInt8]) {
        switch change {
        case .truncate(let byteCount):
            content = Array(content.prefix(byteCount))
        case .write(let offset, let bytes):
            // What lies before and was never written is a hole, which reads as zeros.
            let missing = offset + bytes.count - content.count
            if missing > 0 { content += [UInt8](repeating: 0, count: missing) }
            content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        }
    }

    // MARK: Names

    private func children(of directory: String) -> [String] {
        names.keys.filter { $0 != directory && parentDirectory(of: $0) == directory }.sorted()
    }

    private mutating func change(_ change: NameChange, _ host: Int) {
        pendingNames.append(Pending(change: change, host: host))
        Self.apply(change, to: &names)
    }

    private static func apply(_ change: NameChange, to names: inout [String: Node]) {
        for path in change.removed { names.removeValue(forKey: path) }
        names.merge(change.added) { $1 }
    }

    private mutating func rename(
        _ source: String, _ target: String, _ host: Int
    ) -> FileResult {
        guard let node = names[source] else { return .failed(.notFound) }
        change(
            NameChange(
                directory: parentDirectory(of: target), removed: [source], added: [target: node]),
            host)
        return .done
    }

    private mutating func makeDirectory(_ path: String, _ host: Int) -> FileResult {
        guard names[path] == nil else { return .failed(.exists) }
        guard names[parentDirectory(of: path)] == .directory else { return .failed(.notFound) }
        change(
            NameChange(
                directory: parentDirectory(of: path), removed: [], added: [path: .directory]),
            host)
        return .done
    }

    private mutating func remove(_ path: String, _ host: Int) -> FileResult {
        guard let node = names[path] else { return .failed(.notFound) }
        if node == .directory, !children(of: path).isEmpty { return .failed(.exists) }
        change(
            NameChange(directory: parentDirectory(of: path), removed: [path], added: [:]), host)
        return .done
    }

    private mutating func synchroniseDirectory(_ path: String) -> FileResult {
        guard names[path] == .directory else { return .failed(.notFound) }
        for pending in pendingNames where pending.change.directory == path {
            Self.apply(pending.change, to: &durableNames)
        }
        pendingNames.removeAll { $0.change.directory == path }
        return .done
    }

    // MARK: Loss of power

    /// A host loses its power: what is left of what it wrote is a function of the state and the seed.
    ///
    /// Faults that were ordered stay ordered.
    /// - Parameter host: nil where all lose theirs; a file that one host has open stays open there.
    package mutating func crash(of host: Int? = nil, seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        for index in files.indices { Self.lose(&files[index], of: host, &generator) }
        pendingNames = pendingNames.compactMap { pending in
            guard let owner = pending.host, host == nil || host == owner else { return pending }
            guard generator.below(2) == 0 else { return nil }
            return Pending(change: pending.change, host: nil)
        }
        names = durableNames
        for pending in pendingNames { Self.apply(pending.change, to: &names) }
        dropOrphans()
        if host == nil { open = [] }
    }

    /// A name whose directory is lost is lost with it, once and for all.
    private mutating func dropOrphans() {
        var kept: [String: Node] = [:]
        // A directory sorts before what it holds.
        for path in names.keys.sorted()
        where roots.contains(path) || kept[parentDirectory(of: path)] == .directory {
            kept[path] = names[path]
        }
        names = kept
        pendingNames.removeAll { names[$0.change.directory] != .directory }
        durableNames = durableNames.filter { path, _ in
            roots.contains(path) || names[parentDirectory(of: path)] == .directory
        }
    }

    private static func lose(
        _ file: inout File, of host: Int?, _ generator: inout SplitMix64
    ) {
        let lossy = file.pending.indices.filter { index in
            guard let owner = file.pending[index].host else { return false }
            return host == nil || host == owner
        }
        let kept = Int(generator.below(UInt64(lossy.count + 1)))
        let isAhead = file.forsaken.contains { host == nil || host == $0 }
        guard !lossy.isEmpty || isAhead else { return }
        for index in lossy.prefix(kept) { file.pending[index].host = nil }
        if kept > 0, case .write(let offset, let bytes) = file.pending[lossy[kept - 1]].change {
            let byteCount = Int(generator.below(UInt64(bytes.count + 1)))
            file.pending[lossy[kept - 1]].change = .write(
                at: offset, Array(bytes.prefix(byteCount)))
        }
        for index in lossy.dropFirst(kept).reversed() { file.pending.remove(at: index) }
        file.content = file.durable
        for pending in file.pending { apply(pending.change, to: &file.content) }
        file.forsaken.removeAll { host == nil || host == $0 }
    }
}
