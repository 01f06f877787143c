import Foundation
import Ledger

/// A ledger's file in memory, whose Nth call fails and which knows what a loss of power would leave.
final class MemoryStorage: LedgerStorage {
    enum Fault: Equatable {
        case none
        /// This call fails, counted from 1; a write that fails has written half of its bytes.
        case error(Int32, call: Int)
        /// Every write takes one byte fewer than asked, every call is interrupted once.
        case nuisances
    }

    private(set) var bytes: [UInt8]
    /// As of the last synchronisation.
    private(set) var durableBytes: [UInt8]
    private(set) var callCount = 0
    private(set) var writeCount = 0
    private(set) var synchronisationCount = 0
    private let fault: Fault
    private var isInterrupted = false

    init(_ bytes: [UInt8] = [], _ fault: Fault = .none) {
        self.bytes = bytes
        durableBytes = bytes
        self.fault = fault
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    private func count() throws(SystemCallError) {
        callCount += 1
        switch fault {
        case .none: break
        case .error(let code, let call):
            if callCount == call { throw SystemCallError(code) }
        case .nuisances:
            isInterrupted.toggle()
            if isInterrupted { throw SystemCallError(EINTR) }
        }
    }

    func read(
        into target: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(SystemCallError) -> Int {
        try count()
        let piece = bytes[min(offset, bytes.count)...].prefix(target.count)
        target.copyBytes(from: piece)
        return piece.count
    }

    func write(_ source: UnsafeRawBufferPointer, at offset: Int) throws(SystemCallError) -> Int {
        writeCount += 1
        do {
            try count()
        } catch {
            if error.code != EINTR { store(source.prefix(source.count / 2), at: offset) }
            throw error
        }
        let count = fault == .nuisances && source.count > 1 ? source.count - 1 : source.count
        store(source.prefix(count), at: offset)
        return count
    }

    private func store(_ source: Slice<UnsafeRawBufferPointer>, at offset: Int) {
        precondition(offset <= bytes.count, "a write at \(offset) leaves a hole")
        bytes = Array(bytes.prefix(offset) + source + bytes.dropFirst(offset + source.count))
    }

    func truncate(to byteCount: Int) throws(SystemCallError) {
        try count()
        bytes = Array(bytes.prefix(byteCount))
    }

    func synchronise() throws(SystemCallError) {
        synchronisationCount += 1
        try count()
        durableBytes = bytes
    }
}
