/// Pictures to look at: classes as colours over the image.
public enum Overlay {
    /// Blends the VOC colour of each class over the image; background and void stay as they are.
    ///
    /// `opacity` is that of the colour, in 0…1.
    public static func blend(
        _ labels: LabelMap, over image: RGBImage, opacity: Float = 0.6
    ) -> RGBImage {
        precondition(labels.size == image.size, "\(labels.size) over \(image.size)")
        var result = image
        for (position, label) in labels.labels.enumerated() {
            guard label != 0 && label != LabelMap.void else { continue }
            for channel in 0..<3 {
                let colour = Float(VOCPalette.bytes[Int(label) * 3 + channel])
                let below = Float(image.pixels[position * 3 + channel])
                result.pixels[position * 3 + channel] =
                    UInt8(below + (colour - below) * opacity + 0.5)
            }
        }
        return result
    }

    /// The labels in VOC colours.
    public static func colours(_ labels: LabelMap) -> RGBImage {
        RGBImage(
            size: labels.size,
            pixels: labels.labels.flatMap { label in
                VOCPalette.bytes[Int(label) * 3..<Int(label) * 3 + 3]
            })
    }

    /// Draws the outline of each box in the colour of its class, one pixel wide.
    public static func outline(_ boxes: [BoundingBox], on image: RGBImage) -> RGBImage {
        var result = image
        let size = image.size
        func paint(_ x: Int, _ y: Int, _ classIndex: Int) {
            guard x >= 0 && x < size.width && y >= 0 && y < size.height else { return }
            for channel in 0..<3 {
                result.pixels[(y * size.width + x) * 3 + channel] =
                    VOCPalette.bytes[classIndex * 3 + channel]
            }
        }
        for box in boxes {
            let left = Int(box.left.rounded())
            let right = max(Int(box.right.rounded()) - 1, left)
            let top = Int(box.top.rounded())
            let bottom = max(Int(box.bottom.rounded()) - 1, top)
            for x in left...right {
                paint(x, top, box.classIndex)
                paint(x, bottom, box.classIndex)
            }
            for y in top...bottom {
                paint(left, y, box.classIndex)
                paint(right, y, box.classIndex)
            }
        }
        return result
    }

    /// The picture on white of a size that holds it, in the top left corner.
    public static func extended(_ image: RGBImage, to size: PixelSize) -> RGBImage {
        precondition(
            size.height >= image.size.height && size.width >= image.size.width,
            "\(image.size) on \(size)")
        var pixels = [UInt8](repeating: 255, count: size.count * 3)
        let stride = image.size.width * 3
        for y in 0..<image.size.height {
            pixels.replaceSubrange(
                y * size.width * 3..<y * size.width * 3 + stride,
                with: image.pixels[y * stride..<(y + 1) * stride])
        }
        return RGBImage(size: size, pixels: pixels)
    }

    /// Pictures of equal height side by side, a white line between them.
    public static func sideBySide(_ images: [RGBImage], gap: Int = 4) -> RGBImage {
        precondition(!images.isEmpty, "no pictures")
        let height = images[0].size.height
        let width = images.reduce(-gap) { $0 + $1.size.width + gap }
        var pixels = [UInt8](repeating: 255, count: width * height * 3)
        var left = 0
        for image in images {
            precondition(image.size.height == height, "\(image.size) beside height \(height)")
            let stride = image.size.width * 3
            for y in 0..<height {
                pixels.replaceSubrange(
                    (y * width + left) * 3..<(y * width + left) * 3 + stride,
                    with: image.pixels[y * stride..<(y + 1) * stride])
            }
            left += image.size.width + gap
        }
        return RGBImage(size: PixelSize(height: height, width: width), pixels: pixels)
    }

    /// Pictures of equal width one below another.
    public static func stacked(_ images: [RGBImage], gap: Int = 4) -> RGBImage {
        precondition(!images.isEmpty, "no pictures")
        let width = images[0].size.width
        var pixels: [UInt8] = []
        for (position, image) in images.enumerated() {
            precondition(image.size.width == width, "\(image.size) below width \(width)")
            if position > 0 { pixels += [UInt8](repeating: 255, count: gap * width * 3) }
            pixels += image.pixels
        }
        return RGBImage(
            size: PixelSize(height: pixels.count / 3 / width, width: width), pixels: pixels)
    }
}
