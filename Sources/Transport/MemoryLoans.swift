import Synchronization
import TrainingProtocol

/// The frames that a peer is to read from this process's memory, kept until it has read them.
///
/// Releasing the loans ends them: the token is destroyed before any frame is let go, so that a
/// peer that still reads finds out.
final class MemoryLoans {
    private struct Loan {
        let number: UInt64
        let frames: [Frame]
        let byteCount: Int
    }

    let token: MemoryToken
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    /// In the order of their numbers, which is the order in which they are read.
    private var loans: [Loan] = []
    private var count: UInt64 = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { loans.isEmpty }

    init() {
        var generator = SystemRandomNumberGenerator()
        let value = MemoryToken.Value(high: generator.next(), low: generator.next())
        words = .allocate(capacity: 2)
        words.initialize(to: Atomic(value.high))
        (words + 1).initialize(to: Atomic(value.low))
        token = MemoryToken(address: UInt64(UInt(bitPattern: words)), value: value)
    }

    deinit {
        words.pointee.store(0, ordering: .relaxed)
        words[1].store(0, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        loans.removeAll()
        words.deinitialize(count: 2)
        words.deallocate()
    }

    /// The number of the next loan.
    var nextNumber: UInt64 { count + 1 }

    /// Keeps the frames of a message that has been sent under `nextNumber`.
    func add(_ frames: [Frame]) {
        count += 1
        let byteCount = frames.reduce(0) { $0 + $1.byteCount }
        loans.append(Loan(number: count, frames: frames, byteCount: byteCount))
        self.byteCount += byteCount
    }

    /// Lets go what the peer has read.
    func release(through number: UInt64) {
        let read = loans.prefix { $0.number <= number }
        byteCount -= read.reduce(0) { $0 + $1.byteCount }
        loans.removeFirst(read.count)
    }
}
