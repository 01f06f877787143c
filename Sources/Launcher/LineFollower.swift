import Foundation

/// Reads the whole lines that came to a file since the last call.
///
/// A file that was replaced by a shorter one, as metrics are where steps will be done again, is
/// followed from the line in which it differs.
package struct LineFollower {
    private let file: URL
    /// Of the lines that were read, in their order.
    private var hashes: [Int] = []
    private var offset: UInt64 = 0
    private var fileNumber: UInt64?

    package init(file: URL) {
        self.file = file
    }

    package mutating func newLines() -> [Data] {
        guard let handle = try? FileHandle(forReadingFrom: file) else { return [] }
        defer { try? handle.close() }
        var status = stat()
        guard fstat(handle.fileDescriptor, &status) == 0 else { return [] }
        let isAnother = fileNumber.map { $0 != UInt64(status.st_ino) } ?? false
        if isAnother || UInt64(status.st_size) < offset { offset = 0 }
        fileNumber = UInt64(status.st_ino)
        let isReadAgain = offset == 0
        guard (try? handle.seek(toOffset: offset)) != nil,
            let data = try? handle.readToEnd(), let end = data.lastIndex(of: UInt8(ascii: "\n"))
        else { return [] }
        let whole = data[...end]
        offset += UInt64(whole.count)
        let lines = whole.split(separator: UInt8(ascii: "\n")).map { Data($0) }
        let news = lines.map(\.hashValue)
        let known = isReadAgain ? zip(hashes, news).prefix { $0 == $1 }.count : 0
        hashes = (isReadAgain ? [] : hashes) + news
        return Array(lines.dropFirst(known))
    }
}
