import Foundation

/// Reads the whole lines that were appended to a file since the last call.
struct LineFollower {
    let file: URL
    private var offset: UInt64 = 0

    init(file: URL) {
        self.file = file
    }

    mutating func newLines() -> [Data] {
        guard let handle = try? FileHandle(forReadingFrom: file) else { return [] }
        defer { try? handle.close() }
        guard (try? handle.seek(toOffset: offset)) != nil,
            let data = try? handle.readToEnd(), let end = data.lastIndex(of: UInt8(ascii: "\n"))
        else { return [] }
        let whole = data[...end]
        offset += UInt64(whole.count)
        return whole.split(separator: UInt8(ascii: "\n")).map { Data($0) }
    }
}
