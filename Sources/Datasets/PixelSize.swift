/// Height and width in pixels.
public struct PixelSize: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Rows.
    public var height: Int
    /// Columns.
    public var width: Int

    /// Takes two positive numbers.
    public init(height: Int, width: Int) {
        precondition(height > 0 && width > 0, "a size of \(height)×\(width) pixels")
        self.height = height
        self.width = width
    }

    /// Number of pixels.
    public var count: Int { height * width }

    /// Width × height, as image tools print it.
    public var description: String { "\(width)×\(height)" }

    /// `trunc((d − 1)·s + 1)` in both directions: the scaled dimension of segmentation.md §1.1.
    public func scaled(by scale: Double) -> PixelSize {
        PixelSize(
            height: Int(Double(height - 1) * scale + 1), width: Int(Double(width - 1) * scale + 1))
    }

    /// The smallest size of the form 16k + 1 in both directions that holds this one.
    public var paddedToStride16: PixelSize {
        PixelSize(height: (height + 14) / 16 * 16 + 1, width: (width + 14) / 16 * 16 + 1)
    }
}
