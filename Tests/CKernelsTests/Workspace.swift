import CKernels
import Glibc
import Testing

/// Memory whose end touches a page that may not be read or written, with a marked stretch before
/// its start: any access past the end is a fault, any write before the start is found.
final class GuardedMemory {
    static let pageByteCount = Int(sysconf(Int32(_SC_PAGESIZE)))
    static let mark: UInt8 = 0xA5

    private let base: UnsafeMutableRawPointer
    private let mappedByteCount: Int
    let start: UnsafeMutableRawPointer

    init(byteCount: Int) {
        let page = Self.pageByteCount
        let dataByteCount = (byteCount + 64 + page - 1) / page * page
        mappedByteCount = dataByteCount + page
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        base = mmap(nil, mappedByteCount, PROT_READ | PROT_WRITE, flags, -1, 0)!
        precondition(base != MAP_FAILED, "mmap of \(mappedByteCount) bytes failed: errno \(errno)")
        precondition(mprotect(base + dataByteCount, page, PROT_NONE) == 0, "errno \(errno)")
        start = base + dataByteCount - byteCount
        memset(base, Int32(Self.mark), dataByteCount)
    }

    var isIntactBefore: Bool {
        UnsafeRawBufferPointer(start: base, count: start - base).allSatisfy { $0 == Self.mark }
    }

    deinit { munmap(base, mappedByteCount) }
}

/// Values an input is filled with.
enum Content {
    case ordinary  // uniform in −4 … 4
    case special  // a third of them ±0, ±∞, NaN, subnormal, huge, or a kink of ReLU6
    case positive  // uniform in 0.1 … 2
    case probabilities  // uniform in 0 … 1
}

/// Inputs and recorded outputs of one call, drawn from a seed.
final class Workspace {
    private let seed: UInt64
    private var index: UInt64 = 0
    private var memories: [GuardedMemory] = []
    private var outputs: [() -> [UInt64]] = []
    private var recorded: [UInt64] = []

    static let specials: [Float] = [
        0, -0.0, .infinity, -.infinity, .nan, .leastNormalMagnitude / 8, -.leastNormalMagnitude / 8,
        3e38, -3e38, 6, -6, 5.9999995, 88.8, -87.5, -100, 1, .leastNormalMagnitude,
        .leastNonzeroMagnitude,
    ]

    init(seed: UInt64) { self.seed = seed }

    func random() -> UInt64 {
        index += 1
        return ck_philox_u64(seed, 7, index)
    }

    private func value(_ content: Content) -> Float {
        let bits = random()
        let unit = Float(bits >> 40) * 0x1p-24
        switch content {
        case .ordinary: return unit * 8 - 4
        case .positive: return 0.1 + unit * 1.9
        case .probabilities: return unit
        case .special:
            let few = Self.specials.count
            return bits % 3 == 0 ? Self.specials[Int(bits / 3 % UInt64(few))] : unit * 20 - 10
        }
    }

    private func memory<T>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
        let memory = GuardedMemory(byteCount: count * MemoryLayout<T>.stride)
        memories.append(memory)
        return memory.start.bindMemory(to: T.self, capacity: count)
    }

    func input(_ count: Int, _ content: Content = .ordinary) -> UnsafeMutablePointer<Float> {
        let pointer = memory(Float.self, count)
        for i in 0..<count { pointer[i] = value(content) }
        return pointer
    }

    func values(_ count: Int, _ content: Content = .ordinary) -> [Float] {
        (0..<count).map { _ in value(content) }
    }

    func bytes(_ count: Int, below bound: UInt64) -> UnsafeMutablePointer<UInt8> {
        let pointer = memory(UInt8.self, count)
        for i in 0..<count { pointer[i] = UInt8(random() % bound) }
        return pointer
    }

    /// Filled like an input and compared after the call.
    func output(_ count: Int, _ content: Content = .ordinary) -> UnsafeMutablePointer<Float> {
        let pointer = input(count, content)
        outputs.append {
            (0..<count).map { pointer[$0].isNaN ? UInt64.max : UInt64(pointer[$0].bitPattern) }
        }
        return pointer
    }

    /// Scratch between guards, marked.
    func words(_ count: Int) -> UnsafeMutableBufferPointer<UInt32> {
        UnsafeMutableBufferPointer(start: memory(UInt32.self, count), count: count)
    }

    func doubleOutput(_ count: Int) -> UnsafeMutablePointer<Double> {
        let pointer = memory(Double.self, count)
        for i in 0..<count { pointer[i] = Double(value(.ordinary)) }
        outputs.append {
            (0..<count).map { pointer[$0].isNaN ? UInt64.max : pointer[$0].bitPattern }
        }
        return pointer
    }

    func byteOutput(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        let pointer = memory(UInt8.self, count)
        outputs.append { (0..<count).map { UInt64(pointer[$0]) } }
        return pointer
    }

    func record(_ value: Int) { recorded.append(UInt64(bitPattern: Int64(value))) }

    func collect(_ sourceLocation: SourceLocation) -> [UInt64] {
        for memory in memories where !memory.isIntactBefore {
            Issue.record("a write before the start of a buffer", sourceLocation: sourceLocation)
        }
        return outputs.flatMap { $0() } + recorded
    }
}

/// Checks |found − expected| ≤ 1e-6 · √terms · magnitude, magnitude being Σ|terms|.
func expectClose(
    _ found: Float, _ expected: Double, terms: Int, magnitude: Double,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let tolerance = 1e-6 * Double(max(terms, 1)).squareRoot() * magnitude + 1e-30
    #expect(abs(Double(found) - expected) <= tolerance, sourceLocation: sourceLocation)
}
