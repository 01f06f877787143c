/// A class index for each pixel; 255 is void.
public struct LabelMap: Sendable, Hashable {
    /// The label of pixels that belong to no class.
    public static let void: UInt8 = 255

    /// Height and width in pixels.
    public let size: PixelSize
    /// `[height, width]`.
    public var labels: [UInt8]

    /// Takes one label per pixel, row by row.
    public init(size: PixelSize, labels: [UInt8]) {
        precondition(labels.count == size.count, "\(labels.count) labels for \(size) pixels")
        self.size = size
        self.labels = labels
    }

    /// Takes the indices of a mask, throwing `DatasetError` for one that is neither a class nor
    /// void.
    init(_ indices: IndexImage, classCount: Int, path: String) throws {
        var wrong: (count: Int, value: UInt16, position: Int) = (0, 0, 0)
        var labels = [UInt8](repeating: 0, count: indices.indices.count)
        for (position, value) in indices.indices.enumerated() {
            if value < classCount || value == UInt16(LabelMap.void) {
                labels[position] = UInt8(truncatingIfNeeded: value)
            } else {
                if wrong.count == 0 { wrong = (0, value, position) }
                wrong.count += 1
            }
        }
        guard wrong.count == 0 else {
            let (y, x) = wrong.position.quotientAndRemainder(dividingBy: indices.size.width)
            throw DatasetError(
                .maskValue, path,
                "\(wrong.count) pixels are outside the \(classCount) classes, the first of them "
                    + "\(wrong.value) at column \(x), row \(y)",
                remedy: "A mask holds indices 0…\(classCount - 1) and 255 for void; add the "
                    + "class to labels.txt or correct the mask")
        }
        self.init(size: indices.size, labels: labels)
    }
}
