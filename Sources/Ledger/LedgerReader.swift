/// Reads a ledger's lines and checks that each follows from the one before.
struct LedgerReader {
    private let path: String
    private var lines: LineReader
    private(set) var trail = LedgerTrail()
    /// Lines read.
    private(set) var lineCount = 0

    /// - Parameter path: for messages.
    init(_ storage: any LedgerStorage, path: String) {
        self.path = path
        lines = LineReader(storage)
    }

    /// Bytes of the lines read.
    var byteCount: Int { lines.byteCount }

    /// Bytes of a last line that a crash cut short, once `next` has returned nil.
    var unfinishedByteCount: Int { lines.unfinishedByteCount }

    /// The next whole line; nil where there is none.
    ///
    /// Throws `LedgerError`.
    mutating func next() throws(LedgerError) -> LedgerLine? {
        let bytes: [UInt8]?
        do throws(LineReader.Failure) {
            bytes = try lines.next()
        } catch {
            switch error {
            case .system(let error):
                throw .inputOutput(file: path, during: "reading", error)
            case .tooLong:
                throw violation(
                    "it is longer than \(LineReader.maximumByteCount) bytes", line: lineCount + 1)
            }
        }
        guard let bytes else { return nil }
        lineCount += 1
        let line: LedgerLine
        do throws(MalformedLine) {
            line = try LedgerLine(bytes)
        } catch {
            throw violation(error.description, line: lineCount)
        }
        do throws(LedgerViolation) {
            try trail.follow(line, number: lineCount)
        } catch {
            throw .violation(file: path, error)
        }
        return line
    }

    /// Reads the first line, which must be `expected`; nil for a file without a whole line.
    mutating func header(expecting expected: LedgerHeader) throws(LedgerError) -> LedgerHeader? {
        guard let line = try next() else { return nil }
        guard case .header(let header) = try content(of: line) else {
            throw violation("the first line is no header", line: 1)
        }
        if let difference = header.firstDifference(from: expected) {
            throw .violation(file: path, LedgerViolation(.header, line: 1, difference))
        }
        return header
    }

    /// What a line says.
    func content(of line: LedgerLine) throws(LedgerError) -> LedgerContent {
        do throws(LedgerViolation) {
            return try trail.content(of: line, number: lineCount)
        } catch {
            throw .violation(file: path, error)
        }
    }

    private func violation(_ problem: String, line: Int) -> LedgerError {
        .violation(file: path, LedgerViolation(.form, line: line, problem))
    }
}
