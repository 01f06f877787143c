import Checkpoints
import Foundation
import Simulation
import Synchronization
import TrainingProtocol

/// The operating system's file system, whose Nth operation fails.
final class FailingFileSystem: FileSystem {
    enum Fault: Sendable, Equatable {
        case error(SystemError)
        /// A write takes half of what it is asked to; other operations go through.
        case shortWrite
        /// Every write takes one byte fewer than asked, every call is interrupted once.
        case nuisances
    }

    private struct State {
        var operations: [FileOperation] = []
        var failed: FileOperation?
        var isInterrupted = false
    }

    private let system = PosixFileSystem()
    private let fault: Fault
    private let failing: Int
    private let state = Mutex(State())

    /// - Parameter failing: counted from 1; with 0 nothing fails.
    init(_ fault: Fault, atOperation failing: Int = 0) {
        self.fault = fault
        self.failing = failing
    }

    /// The operation that failed; nil while none has.
    var failed: FileOperation? { state.withLock(\.failed) }
    /// All operations asked for so far.
    var operations: [FileOperation] { state.withLock(\.operations) }

    func perform(
        _ operation: FileOperation, _ bytes: UnsafeRawBufferPointer, on file: inout Int32
    ) -> FileResult {
        let isDue = state.withLock { state in
            state.operations.append(operation)
            let isDue = state.operations.count == failing
            if isDue { state.failed = operation }
            return isDue
        }
        switch fault {
        case .error(let error) where isDue:
            // As on Linux, the descriptor is gone whatever close reports.
            if operation == .close { _ = system.perform(.close, bytes, on: &file) }
            return .failed(error)
        case .shortWrite where isDue && bytes.count > 1:
            let half = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)])
            return system.perform(operation, half, on: &file)
        case .nuisances:
            return disturb(operation, bytes, on: &file)
        default:
            return perform(quietly: operation, bytes, on: &file)
        }
    }

    private func disturb(
        _ operation: FileOperation, _ bytes: UnsafeRawBufferPointer, on file: inout Int32
    ) -> FileResult {
        let isInterrupted = state.withLock { state in
            state.isInterrupted.toggle()
            return state.isInterrupted
        }
        if isInterrupted {
            if operation == .close { _ = system.perform(.close, bytes, on: &file) }
            return .failed(.interrupted)
        }
        let taken = bytes.count > 1 ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes
        return perform(quietly: operation, taken, on: &file)
    }

    /// A sweep is about the order of operations: the disk itself is left alone.
    private func perform(
        quietly operation: FileOperation, _ bytes: UnsafeRawBufferPointer, on file: inout Int32
    ) -> FileResult {
        switch operation {
        case .synchronise, .synchroniseDirectory: .done
        default: system.perform(operation, bytes, on: &file)
        }
    }
}

/// The operating system's file system with a simulated twin, which knows what a loss of power would
/// leave.
final class PowerLossFileSystem: FileSystem {
    private struct State {
        var disk: SimulatedFileSystem
        var handles: [Int32: SimulatedFileSystem.Handle] = [:]
        var isDead = false
    }

    private let system = PosixFileSystem()
    private let root: String
    private let last: Int
    private let isSkipped: @Sendable (FileOperation) -> Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - last: the power fails instead of the operation with this number, from 0.
    ///   - isSkipped: operations that claim to be done and are not, as a writer without them.
    init(
        root: String, untilOperation last: Int = .max,
        skipping isSkipped: @escaping @Sendable (FileOperation) -> Bool = { _ in false }
    ) {
        self.root = root
        self.last = last
        self.isSkipped = isSkipped
        state = Mutex(State(disk: SimulatedFileSystem(directories: [root])))
    }

    var powerFailed: Bool { state.withLock(\.isDead) }

    func perform(
        _ operation: FileOperation, _ bytes: UnsafeRawBufferPointer, on file: inout Int32
    ) -> FileResult {
        guard !isSkipped(operation) else { return .done }
        let isDead = state.withLock { state in
            state.isDead = state.isDead || state.disk.operationCount >= last
            return state.isDead
        }
        let before = file
        var result = FileResult.done
        switch operation {
        case .synchronise, .synchroniseDirectory: break
        case .close: result = system.perform(operation, bytes, on: &file)
        default: if !isDead { result = system.perform(operation, bytes, on: &file) }
        }
        guard !isDead else { return .failed(.inputOutput) }
        let after = file
        state.withLock { state in
            var handle = state.handles.removeValue(forKey: before)
            let twin = state.disk.perform(operation, Array(bytes), on: &handle)
            precondition(twin == result, "\(operation): \(result), but \(twin) on the twin")
            state.handles[after] = handle
        }
        return result
    }

    /// Writes what a loss of power leaves to the same places below `target`.
    func restore(to target: String, seed: UInt64) throws {
        var disk = state.withLock(\.disk)
        disk.crash(seed: seed)
        for path in disk.paths where path != root {
            let place = target + path.dropFirst(root.count)
            if let content = disk.content(path) {
                try Data(content).write(to: URL(filePath: place))
            } else {
                try FileManager.default.createDirectory(
                    atPath: place, withIntermediateDirectories: false)
            }
        }
    }
}
