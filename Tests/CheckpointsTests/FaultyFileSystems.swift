import Checkpoints
import Foundation
import Synchronization

/// The operating system's file system, whose Nth call fails.
final class FailingFileSystem: FileSystem {
    enum Fault: Sendable, Equatable {
        case error(Int32)
        /// Every write takes one byte fewer than asked, every call is interrupted once.
        case nuisances
    }

    private struct State {
        var calls = 0
        var failures = 0
        var isInterrupted = false
    }

    private let system = PosixFileSystem()
    private let fault: Fault
    private let failingCall: Int
    private let state = Mutex(State())

    init(_ fault: Fault, atCall failingCall: Int = 0) {
        self.fault = fault
        self.failingCall = failingCall
    }

    /// Calls that failed so far.
    var failures: Int { state.withLock { $0.failures } }

    private func count() throws(SystemError) {
        let error: SystemError? = state.withLock { state in
            state.calls += 1
            switch fault {
            case .error(let code):
                guard state.calls == failingCall else { return nil }
                state.failures += 1
                return SystemError(code)
            case .nuisances:
                state.isInterrupted.toggle()
                return state.isInterrupted ? SystemError(EINTR) : nil
            }
        }
        if let error { throw error }
    }

    func create(_ path: String) throws(SystemError) -> Int32 {
        try count()
        return try system.create(path)
    }

    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) -> Int {
        try count()
        let isShort = fault == .nuisances && bytes.count > 1
        return try system.write(
            isShort ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes, to: descriptor)
    }

    // A sweep is about the order of calls: the disk itself is left alone.
    func synchronise(_ descriptor: Int32) throws(SystemError) { try count() }

    func close(_ descriptor: Int32) throws(SystemError) {
        // As on Linux, the descriptor is gone whatever close reports.
        try system.close(descriptor)
        try count()
    }

    func rename(_ source: String, to target: String) throws(SystemError) {
        try count()
        try system.rename(source, to: target)
    }

    func synchroniseDirectory(_ path: String) throws(SystemError) { try count() }

    func remove(_ path: String) throws(SystemError) {
        try count()
        try system.remove(path)
    }

    func makeDirectory(_ path: String) throws(SystemError) {
        // An interrupted mkdir is not a thing; the other errors are.
        if case .error = fault { try count() }
        try system.makeDirectory(path)
    }
}

/// A file system that remembers what a loss of power would leave: contents as of each file's last
/// fsync, names as of each directory's.
final class PowerLossFileSystem: FileSystem {
    private struct State {
        var calls = 0
        var nextFile = 0
        var fileByDescriptor: [Int32: Int] = [:]
        var pathByFile: [Int: String] = [:]
        var fileByPath: [String: Int] = [:]
        var durableContent: [Int: Data] = [:]
        /// Names that survive: path → file, or nil for a directory.
        var durableNames: [String: Int?] = [:]
        var directories: Set<String> = []
        var isDead = false
    }

    private let system = PosixFileSystem()
    private let lastCall: Int
    private let state = Mutex(State())

    /// - Parameter lastCall: the power fails instead of the call after this one.
    init(lastCall: Int) { self.lastCall = lastCall }

    var powerFailed: Bool { state.withLock { $0.isDead } }

    private func count() throws(SystemError) {
        let isDead = state.withLock { state in
            state.calls += 1
            if state.calls > lastCall { state.isDead = true }
            return state.isDead
        }
        if isDead { throw SystemError(EIO) }
    }

    /// Writes what survived below `root` to the same places below `target`.
    func restore(from root: String, to target: String) throws {
        let (names, contents) = state.withLock { ($0.durableNames, $0.durableContent) }
        for (path, file) in names.sorted(by: { $0.key < $1.key }) {
            let place = target + path.dropFirst(root.count)
            let parent = String(place[..<place.lastIndex(of: "/")!])
            // A name whose directory did not survive is lost with it.
            guard FileManager.default.fileExists(atPath: parent) else { continue }
            if let file {
                try (contents[file] ?? Data()).write(to: URL(filePath: place))
            } else {
                try FileManager.default.createDirectory(
                    atPath: place, withIntermediateDirectories: false)
            }
        }
    }

    func create(_ path: String) throws(SystemError) -> Int32 {
        try count()
        let descriptor = try system.create(path)
        state.withLock { state in
            state.nextFile += 1
            state.fileByDescriptor[descriptor] = state.nextFile
            state.pathByFile[state.nextFile] = path
            state.fileByPath[path] = state.nextFile
        }
        return descriptor
    }

    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) -> Int {
        try count()
        return try system.write(bytes, to: descriptor)
    }

    func synchronise(_ descriptor: Int32) throws(SystemError) {
        try count()
        state.withLock { state in
            let file = state.fileByDescriptor[descriptor]!
            state.durableContent[file] = FileManager.default.contents(
                atPath: state.pathByFile[file]!)
        }
    }

    func close(_ descriptor: Int32) throws(SystemError) {
        try system.close(descriptor)
        try count()
        state.withLock { _ = $0.fileByDescriptor.removeValue(forKey: descriptor) }
    }

    func rename(_ source: String, to target: String) throws(SystemError) {
        try count()
        try system.rename(source, to: target)
        state.withLock { state in
            let file = state.fileByPath.removeValue(forKey: source)!
            state.fileByPath[target] = file
            state.pathByFile[file] = target
        }
    }

    func synchroniseDirectory(_ path: String) throws(SystemError) {
        try count()
        state.withLock { state in
            func isChild(_ name: String) -> Bool {
                name.hasPrefix(path + "/") && !name.dropFirst(path.count + 1).contains("/")
            }
            for name in Array(state.durableNames.keys) where isChild(name) {
                state.durableNames.removeValue(forKey: name)
            }
            for (name, file) in state.fileByPath where isChild(name) {
                state.durableNames[name] = .some(file)
            }
            for name in state.directories where isChild(name) {
                state.durableNames.updateValue(nil, forKey: name)
            }
        }
    }

    func remove(_ path: String) throws(SystemError) {
        try count()
        try system.remove(path)
        state.withLock { _ = $0.fileByPath.removeValue(forKey: path) }
    }

    func makeDirectory(_ path: String) throws(SystemError) {
        try count()
        try system.makeDirectory(path)
        state.withLock { _ = $0.directories.insert(path) }
    }
}
