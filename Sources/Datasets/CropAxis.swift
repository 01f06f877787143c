/// Where each pixel of a crop lies in its source image, along one axis.
///
/// The source is scaled with aligned corners, padded at its end, cut out and perhaps mirrored
/// (segmentation.md §1.1, §2.2). Image, labels, boxes and the valid mask are all read through it, hence agree.
package struct CropAxis: Sendable {
    /// Source pixel at or before each crop pixel, −1 in the padding.
    package private(set) var lower: [Int]
    /// Weight of the pixel after it, in [0, 1).
    package private(set) var fraction: [Float]
    /// Source pixel that lends its label, −1 in the padding: halves round away from zero.
    package private(set) var nearest: [Int]
    /// Centre of each crop pixel in source pixels (0 = centre of the first), NaN in the padding.
    private var position: [Double]

    package enum Direction: Hashable, Sendable { case forward, mirrored }

    /// - Parameters:
    ///   - source: extent of the source in pixels.
    ///   - scaled: its extent after scaling.
    ///   - offset: first scaled pixel of the crop.
    ///   - crop: extent of the crop; what lies past the scaled source is padding.
    package init(source: Int, scaled: Int, offset: Int, crop: Int, direction: Direction) {
        precondition(source > 0 && scaled > 0 && crop > 0, "\(source) → \(scaled), crop \(crop)")
        precondition(offset >= 0, "offset \(offset)")
        lower = [Int](repeating: -1, count: crop)
        fraction = [Float](repeating: 0, count: crop)
        nearest = [Int](repeating: -1, count: crop)
        position = [Double](repeating: .nan, count: crop)
        let divisor = scaled > 1 ? scaled - 1 : 1
        for pixel in 0..<crop {
            let place = offset + (direction == .mirrored ? crop - 1 - pixel : pixel)
            guard place < scaled else { continue }
            let product = scaled > 1 ? place * (source - 1) : 0
            lower[pixel] = product / divisor
            fraction[pixel] = Float(product % divisor) / Float(divisor)
            nearest[pixel] = (2 * product + divisor) / (2 * divisor)
            position[pixel] = Double(product) / Double(divisor)
        }
    }

    package var count: Int { lower.count }

    /// The crop pixels whose centres lie in `[start, end)` of the source's pixel edges: those whose
    /// nearest source pixel lies in it, when the edges are whole numbers.
    package func pixels(from start: Double, to end: Double) -> Range<Int> {
        let first = position.firstIndex { $0 >= start - 0.5 && $0 < end - 0.5 }
        let last = position.lastIndex { $0 >= start - 0.5 && $0 < end - 0.5 }
        guard let first, let last else { return 0..<0 }
        return first..<(last + 1)
    }
}
