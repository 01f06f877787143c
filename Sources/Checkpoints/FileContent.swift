/// A file's bytes as pieces of memory that the caller keeps alive and unchanged.
package struct FileContent {
    private let segments: [UnsafeRawBufferPointer]
    private let ends: [Int]
    package var byteCount: Int { ends.last ?? 0 }

    package init(_ segments: [UnsafeRawBufferPointer]) {
        self.segments = segments.filter { !$0.isEmpty }
        var end = 0
        ends = self.segments.map {
            end += $0.count
            return end
        }
    }

    /// Bytes from `offset` on that lie together, at most `byteCount`.
    func run(at offset: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        var (low, high) = (0, ends.count)
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] > offset { high = middle } else { low = middle + 1 }
        }
        let segment = segments[low]
        let start = offset - (ends[low] - segment.count)
        return UnsafeRawBufferPointer(
            rebasing: segment[start..<min(start + byteCount, segment.count)])
    }
}
