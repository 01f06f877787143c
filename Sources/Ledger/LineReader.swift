import Glibc

/// The whole lines of a file, in order; what a crash cut short is left over at the end.
struct LineReader {
    enum Failure: Error {
        case system(SystemCallError)
        case tooLong
    }

    static let maximumByteCount = 64 << 20
    private static let pieceByteCount = 1 << 20

    private let storage: any LedgerStorage
    private var buffer: [UInt8] = []
    /// First byte of `buffer` that no line has taken.
    private var start = 0
    /// Bytes of the lines handed out.
    private(set) var byteCount = 0

    init(_ storage: any LedgerStorage) { self.storage = storage }

    /// Bytes behind the last line feed, once `next` has returned nil.
    var unfinishedByteCount: Int { buffer.count - start }

    /// The next line without its line feed; nil where there is none.
    mutating func next() throws(Failure) -> [UInt8]? {
        var searched = start
        while true {
            if let end = lineFeed(from: searched) {
                let line = Array(buffer[start..<end])
                byteCount += line.count + 1
                start = end + 1
                return line
            }
            guard unfinishedByteCount <= Self.maximumByteCount else { throw .tooLong }
            buffer.removeFirst(start)
            start = 0
            searched = buffer.count
            guard try fill() else { return nil }
        }
    }

    private func lineFeed(from first: Int) -> Int? {
        buffer.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, first < bytes.count,
                let found = memchr(base + first, 0x0A, bytes.count - first)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    /// Reads another piece; false at the end of the file.
    private mutating func fill() throws(Failure) -> Bool {
        let known = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: Self.pieceByteCount))
        var result: Result<Int, SystemCallError> = .success(0)
        repeat {
            buffer.withUnsafeMutableBytes { bytes in
                let target = UnsafeMutableRawBufferPointer(rebasing: bytes[known...])
                result = Result { () throws(SystemCallError) in
                    try storage.read(into: target, at: byteCount + known)
                }
            }
        } while result == .failure(SystemCallError(EINTR))
        buffer.removeLast(Self.pieceByteCount - ((try? result.get()) ?? 0))
        switch result {
        case .success(let count): return count > 0
        case .failure(let error): throw .system(error)
        }
    }
}
