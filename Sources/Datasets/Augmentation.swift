/// What chance decides about a crop.
package struct CropChoice: Hashable, Sendable {
    package var scale: Double
    package var offsetY: Int
    package var offsetX: Int
    package var direction: CropAxis.Direction

    /// The same place of a run makes the same choice; `scales` are equally likely, so are all
    /// offsets at which the crop lies within the scaled and padded image.
    package init(
        stream: inout RandomStream, source: PixelSize, crop: PixelSize, scales: [Double],
        flip: Flip
    ) {
        precondition(!scales.isEmpty, "no scales to choose from")
        scale = scales[stream.below(scales.count)]
        let scaled = source.scaled(by: scale)
        offsetY = stream.below(max(scaled.height - crop.height, 0) + 1)
        offsetX = stream.below(max(scaled.width - crop.width, 0) + 1)
        direction = stream.below(2) == 1 && flip == .half ? .mirrored : .forward
    }

    package init(scale: Double, offsetY: Int, offsetX: Int, direction: CropAxis.Direction) {
        self.scale = scale
        self.offsetY = offsetY
        self.offsetX = offsetX
        self.direction = direction
    }
}

/// Whether crops are mirrored: never, or half of them.
public enum Flip: String, Hashable, Sendable, Codable { case never, half }

/// A scaled, padded, cut and perhaps mirrored view of an image and all that belongs to it.
package struct CropView: Sendable {
    package let rows: CropAxis
    package let columns: CropAxis

    package init(source: PixelSize, crop: PixelSize, choice: CropChoice) {
        let scaled = source.scaled(by: choice.scale)
        rows = CropAxis(
            source: source.height, scaled: scaled.height, offset: choice.offsetY,
            crop: crop.height, direction: .forward)
        columns = CropAxis(
            source: source.width, scaled: scaled.width, offset: choice.offsetX,
            crop: crop.width, direction: choice.direction)
    }

    /// Scales a whole image to `size` with aligned corners.
    package init(source: PixelSize, resizedTo size: PixelSize) {
        rows = CropAxis(
            source: source.height, scaled: size.height, offset: 0, crop: size.height,
            direction: .forward)
        columns = CropAxis(
            source: source.width, scaled: size.width, offset: 0, crop: size.width,
            direction: .forward)
    }

    /// Bilinear samples in [−1, 1], `[height, width, 3]`; padding is 0.
    package func image(_ source: RGBImage, into out: UnsafeMutablePointer<Float>) {
        source.pixels.withUnsafeBufferPointer { pixels in
            for y in 0..<rows.count {
                let row = out + y * columns.count * 3
                guard rows.lower[y] >= 0 else {
                    row.update(repeating: 0, count: columns.count * 3)
                    continue
                }
                let next = min(rows.lower[y] + 1, source.size.height - 1)
                imageRow(
                    pixels, upper: rows.lower[y] * source.size.width * 3,
                    lower: next * source.size.width * 3, weight: rows.fraction[y],
                    lastColumn: source.size.width - 1, into: row)
            }
        }
    }

    private func imageRow(
        _ pixels: UnsafeBufferPointer<UInt8>, upper: Int, lower: Int, weight: Float,
        lastColumn: Int, into row: UnsafeMutablePointer<Float>
    ) {
        for x in 0..<columns.count {
            let column = columns.lower[x]
            let right = columns.fraction[x]
            let next = min(column + 1, lastColumn)
            for channel in 0..<3 {
                guard column >= 0 else {
                    row[3 * x + channel] = 0
                    continue
                }
                let near = 3 * column + channel
                let far = 3 * next + channel
                let a = Float(pixels[upper + near])
                let b = Float(pixels[upper + far])
                let c = Float(pixels[lower + near])
                let d = Float(pixels[lower + far])
                let top = a + (b - a) * right
                let bottom = c + (d - c) * right
                row[3 * x + channel] = preprocessed(top + (bottom - top) * weight)
            }
        }
    }

    /// Nearest labels, `[height, width]`; padding is void.
    package func labels(_ source: LabelMap, into out: UnsafeMutablePointer<UInt8>) {
        source.labels.withUnsafeBufferPointer { labels in
            for y in 0..<rows.count {
                let start = rows.nearest[y] * source.size.width
                for x in 0..<columns.count {
                    let inside = rows.nearest[y] >= 0 && columns.nearest[x] >= 0
                    out[y * columns.count + x] =
                        inside ? labels[start + columns.nearest[x]] : LabelMap.void
                }
            }
        }
    }

    /// 1 for pixels of the image and 0 for padding, `[height, width]`.
    package func valid(into out: UnsafeMutablePointer<UInt8>) {
        for y in 0..<rows.count {
            for x in 0..<columns.count {
                out[y * columns.count + x] = rows.nearest[y] >= 0 && columns.nearest[x] >= 0 ? 1 : 0
            }
        }
    }

    /// Multi-hot box masks, `[height, width, classCount]`: channel c is 1 where a box of class c
    /// covers the pixel, channel 0 where none does, padding included (segmentation.md §3).
    package func boxes(
        _ boxes: [BoundingBox], classCount: Int, into out: UnsafeMutablePointer<Float>
    ) {
        out.update(repeating: 0, count: rows.count * columns.count * classCount)
        for pixel in 0..<(rows.count * columns.count) { out[pixel * classCount] = 1 }
        for box in boxes {
            precondition(
                box.classIndex > 0 && box.classIndex < classCount,
                "a box of class \(box.classIndex) of \(classCount)")
            let xs = columns.pixels(from: box.left, to: box.right)
            for y in rows.pixels(from: box.top, to: box.bottom) {
                for x in xs {
                    let pixel = out + (y * columns.count + x) * classCount
                    pixel[0] = 0
                    pixel[box.classIndex] = 1
                }
            }
        }
    }
}
