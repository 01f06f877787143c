/// An image of 8-bit red, green and blue.
public struct RGBImage: Sendable, Hashable {
    /// Height and width in pixels.
    public let size: PixelSize
    /// `[height, width, 3]`.
    public var pixels: [UInt8]

    /// Takes three bytes per pixel, row by row.
    public init(size: PixelSize, pixels: [UInt8]) {
        precondition(pixels.count == size.count * 3, "\(pixels.count) bytes for \(size) pixels")
        self.size = size
        self.pixels = pixels
    }

    /// Reads a JPEG or PNG file, told apart by its first byte.
    ///
    /// Throws `DatasetError` where it is absent, damaged or of another format.
    public init(contentsOf path: String) throws {
        let file = try FileBytes(path: path)
        switch file.bytes.first {
        case 0xff: self = try JPEG.decode(file.bytes, path: path)
        case 0x89: self = try PNG.decode(file.bytes, path: path)
        default:
            throw DatasetError(
                .unsupportedImage, path, "neither a JPEG nor a PNG",
                remedy: "Convert the image to one of them")
        }
    }

    /// `[height, width, 3]` in [−1, 1], the image padded with grey (0) at the bottom and right.
    public func tensor(padded: PixelSize) -> [Float] {
        precondition(
            padded.height >= size.height && padded.width >= size.width, "\(size) into \(padded)")
        var tensor = [Float](repeating: 0, count: padded.count * 3)
        let stride = size.width * 3
        for y in 0..<size.height {
            for i in 0..<stride {
                tensor[y * padded.width * 3 + i] = preprocessed(Float(pixels[y * stride + i]))
            }
        }
        return tensor
    }
}

/// `x·2/255 − 1`: from 0…255 to −1…1 (segmentation.md §2.2).
@inline(__always)
package func preprocessed(_ value: Float) -> Float { value * 2 / 255 - 1 }
