/// The extent of a value, `[batch, height, width, channels]`, stored with channels innermost.
public struct Shape: Hashable, Sendable, CustomStringConvertible {
    /// Images.
    public let batch: Int
    /// Rows of the grid.
    public let height: Int
    /// Columns of the grid.
    public let width: Int
    /// Values at each position.
    public let channels: Int

    /// Every extent must be at least 1.
    public init(batch: Int, height: Int, width: Int, channels: Int) {
        precondition(
            batch > 0 && height > 0 && width > 0 && channels > 0,
            "a shape needs positive extents, not [\(batch), \(height), \(width), \(channels)]")
        self.batch = batch
        self.height = height
        self.width = width
        self.channels = channels
    }

    /// The number of elements.
    public var count: Int { rows * channels }

    /// The number of positions, `batch · height · width`: rows of the matrix `[rows, channels]`.
    public var rows: Int { batch * height * width }

    /// The four extents in brackets.
    public var description: String { "[\(batch), \(height), \(width), \(channels)]" }

    /// The same positions with another number of channels.
    public func with(channels: Int) -> Shape {
        Shape(batch: batch, height: height, width: width, channels: channels)
    }

    /// The same batch and channels on another grid.
    public func with(height: Int, width: Int) -> Shape {
        Shape(batch: batch, height: height, width: width, channels: channels)
    }
}
