/// A box of one class, in pixel edges of its image: it holds the pixels whose centres lie in
/// `[left, right) × [top, bottom)`.
public struct BoundingBox: Hashable, Sendable, Codable {
    /// Index of the class, ≥ 1.
    public var classIndex: Int
    /// Left edge.
    public var left: Double
    /// Upper edge.
    public var top: Double
    /// Right edge, exclusive.
    public var right: Double
    /// Lower edge, exclusive.
    public var bottom: Double

    /// Takes edges as they are: nothing is clipped or checked.
    public init(classIndex: Int, left: Double, top: Double, right: Double, bottom: Double) {
        self.classIndex = classIndex
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    /// Coordinates beyond this are mistakes, not boxes.
    static let largestCoordinate = 1e6

    /// The box within an image of `size`, and whether it had to be cut.
    ///
    /// Throws `DatasetError` for coordinates that are no numbers, inverted or wholly outside.
    func clipped(to size: PixelSize, subject: String) throws -> (box: BoundingBox, cut: Bool) {
        for (name, value) in [
            ("left", left), ("top", top), ("right", right), ("bottom", bottom),
        ] {
            guard value.isFinite && abs(value) <= BoundingBox.largestCoordinate else {
                throw DatasetError(
                    .boxCoordinate, subject, "the \(name) edge of the box is \(value)",
                    remedy: "Correct the coordinate: a number of pixels within the image")
            }
        }
        guard left < right && top < bottom else {
            throw DatasetError(
                .boxCoordinate, subject, "the box \(corners) is empty or inverted",
                remedy: "Give the smaller coordinate as minimum")
        }
        var box = self
        box.left = max(left, 0)
        box.top = max(top, 0)
        box.right = min(right, Double(size.width))
        box.bottom = min(bottom, Double(size.height))
        guard box.left < box.right && box.top < box.bottom else {
            throw DatasetError(
                .boxOutside, subject, "the box \(corners) lies wholly outside the \(size) image",
                remedy: "Correct or remove the box")
        }
        return (box, box != self)
    }

    /// Corners in pixel edges.
    var corners: String { "(\(left), \(top))–(\(right), \(bottom))" }
}
