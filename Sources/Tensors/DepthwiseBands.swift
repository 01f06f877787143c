import CKernels

/// A depthwise convolution's rows of output, cut into bands whose input fits a core's cache.
///
/// Rows count image rows, `batch · height`.
struct DepthwiseBands {
    struct Band {
        /// Rows of output, of one image.
        let output: Range<Int>
        /// Rows of input that they read.
        let input: Range<Int>
        /// The band's part of the input: bands in order take all rows of an image in order.
        let ownInput: Range<Int>
        /// Rows of output that read its part of the input, and its own.
        let around: Range<Int>
    }

    let window: ck_window
    private let rowsAtOnce: Int

    /// - Parameter values: what the input of a band may have, about.
    init(_ window: ck_window, values: Int) {
        self.window = window
        let width = Int(window.in_width * window.channels * window.stride)
        rowsAtOnce = max(1, min(Int(window.out_height), values / width))
    }

    private var reach: Int { Int((window.kernel - 1) * window.dilation) }
    private var outHeight: Int { Int(window.out_height) }
    private var inHeight: Int { Int(window.in_height) }

    /// Rows of the input of the largest band.
    var inputRows: Int {
        min((rowsAtOnce - 1) * Int(window.stride) + reach + 1, inHeight)
    }

    /// Rows of output around the largest band.
    var rowsAround: Int { min(rowsAtOnce + reach + 1, outHeight) }

    /// Calls `body` for the bands of these rows of output, in order.
    func forEach(of rows: Range<Int>, _ body: (Band) -> Void) {
        var row = rows.lowerBound
        while row < rows.upperBound {
            let image = row / outHeight
            let end = min(row + rowsAtOnce, rows.upperBound, (image + 1) * outHeight)
            let own = firstInput(of: row)..<firstInput(of: end)
            body(
                Band(
                    output: row..<end, input: input(of: row..<end, image: image), ownInput: own,
                    around: around(row..<end, own, image: image)))
            row = end
        }
    }

    /// Where the input of the bands from this row of output on begins.
    func firstInput(of row: Int) -> Int {
        row / outHeight * inHeight + row % outHeight * Int(window.stride)
    }

    private func input(of rows: Range<Int>, image: Int) -> Range<Int> {
        let stride = Int(window.stride), padding = Int(window.padding)
        let top = (rows.lowerBound - image * outHeight) * stride - padding
        let bottom = (rows.upperBound - 1 - image * outHeight) * stride - padding + reach
        let first = min(max(top, 0), inHeight - 1)
        let last = max(min(bottom, inHeight - 1), first)
        return image * inHeight + first..<image * inHeight + last + 1
    }

    private func around(
        _ rows: Range<Int>, _ input: Range<Int>, image: Int
    ) -> Range<Int> {
        let stride = Int(window.stride), padding = Int(window.padding)
        let top = input.lowerBound - image * inHeight + padding - reach
        let bottom = input.upperBound - 1 - image * inHeight + padding
        let first = min(max(top, 0) / stride + image * outHeight, rows.lowerBound)
        let last = min(bottom / stride, outHeight - 1) + image * outHeight
        return first..<max(last + 1, rows.upperBound)
    }
}

/// The rows of an image that a band reads, written to scratch: those that the band before read as well
/// are kept.
struct SlidingRows {
    let scratch: UnsafeMutablePointer<Float>
    /// Values of a row.
    let width: Int
    private var rows = 0..<0

    init(in scratch: UnsafeMutablePointer<Float>, width: Int) {
        self.scratch = scratch
        self.width = width
    }

    /// The values from the first row on; `write` writes what is missing.
    mutating func move(
        to next: Range<Int>, _ write: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
    ) -> UnsafePointer<Float> {
        let kept = next.lowerBound >= rows.lowerBound ? next.clamped(to: rows) : 0..<0
        scratch.update(
            from: scratch + (kept.isEmpty ? 0 : kept.lowerBound - rows.lowerBound) * width,
            count: kept.count * width)
        let missing = kept.isEmpty ? next : kept.upperBound..<next.upperBound
        if !missing.isEmpty {
            write(missing, scratch + (missing.lowerBound - next.lowerBound) * width)
        }
        rows = next
        return UnsafePointer(scratch)
    }
}

/// Image rows as a stage reads them in bands: where they lie, or written to a thread's scratch.
struct ImageRows {
    private let runs: RowRuns
    /// Positions of an image row.
    private let width: Int
    var sources: [Buffer] { runs.sources }

    init(_ runs: RowRuns, width: Int) {
        self.runs = runs
        self.width = width
    }

    /// Floats of scratch that so many rows take.
    func scratch(rows: Int) -> Int { rows * width * runs.scratch }

    /// How one tile reads them.
    func reader(in scratch: UnsafeMutablePointer<Float>) -> Reader {
        Reader(self, in: scratch)
    }

    struct Reader {
        fileprivate let rows: ImageRows
        fileprivate var sliding: SlidingRows
        /// The row that the last values begin with.
        private(set) var firstRow = 0

        fileprivate init(_ rows: ImageRows, in scratch: UnsafeMutablePointer<Float>) {
            self.rows = rows
            sliding = SlidingRows(in: scratch, width: rows.width * rows.runs.channels)
        }

        /// The values from the first of these rows on.
        mutating func values(of range: Range<Int>) -> UnsafePointer<Float> {
            let width = rows.width, runs = rows.runs
            firstRow = range.lowerBound
            func positions(_ rows: Range<Int>) -> Range<Int> {
                rows.lowerBound * width..<rows.upperBound * width
            }
            guard runs.scratch > 0 else {
                return runs.values(of: positions(range), in: sliding.scratch)
            }
            return sliding.move(to: range) { _ = runs.values(of: positions($0), in: $1) }
        }
    }
}
