/// The smallest rectangle of whole pixels around those included.
struct PixelExtent {
    private var left = Int.max
    private var top = Int.max
    private var right = Int.min
    private var bottom = Int.min

    mutating func include(x: Int, y: Int) {
        left = min(left, x)
        top = min(top, y)
        right = max(right, x)
        bottom = max(bottom, y)
    }

    func box(classIndex: Int) -> BoundingBox {
        BoundingBox(
            classIndex: classIndex, left: Double(left), top: Double(top),
            right: Double(right + 1), bottom: Double(bottom + 1))
    }
}
