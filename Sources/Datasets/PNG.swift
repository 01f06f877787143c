import CPNG

/// The indices of a palette or grey PNG.
package struct IndexImage: Sendable, Hashable {
    package let size: PixelSize
    /// `[height, width]`; above 255 only in 16-bit files.
    package let indices: [UInt16]

    package init(size: PixelSize, indices: [UInt16]) {
        precondition(indices.count == size.count, "\(indices.count) indices for \(size) pixels")
        self.size = size
        self.indices = indices
    }
}

/// PNG by libpng: index images in, palette and RGB images out.
public enum PNG {
    private static let largestPixelCount = 1 << 27
    private static let messageByteCount = 128

    /// Reads the indices of a palette or grey image of 1, 2, 4, 8 or 16 bits; colours are not
    /// looked up and grey values are not scaled.
    ///
    /// Throws `DatasetError` (`damagedMask`, `unsupportedMask`) that names `path`.
    package static func decodeIndices(_ bytes: [UInt8], path: String) throws -> IndexImage {
        let header = try readHeader(bytes, path: path)
        try refuseColours(header, path: path)
        let size = PixelSize(height: Int(header.height), width: Int(header.width))
        guard header.bit_depth == 16 else {
            let samples = try read(bytes, size, stride: size.width, path, emend_png_read_indices)
            return IndexImage(size: size, indices: samples.map(UInt16.init))
        }
        let samples = try read(bytes, size, stride: 2 * size.width, path, emend_png_read_indices)
        return IndexImage(
            size: size,
            indices: samples.withUnsafeBytes { raw in
                (0..<size.count).map { raw.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
            })
    }

    /// Reads any PNG as red, green and blue; transparency is dropped.
    ///
    /// Throws `DatasetError` (`damagedMask`, `unsupportedMask`) that names `path`.
    public static func decode(_ bytes: [UInt8], path: String) throws -> RGBImage {
        let header = try readHeader(bytes, path: path)
        let size = PixelSize(height: Int(header.height), width: Int(header.width))
        let pixels = try read(bytes, size, stride: 3 * size.width, path, emend_png_read_colours)
        return RGBImage(size: size, pixels: pixels)
    }

    private typealias Reader = (
        UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?,
        UnsafeMutablePointer<CChar>?, Int
    ) -> Int32

    /// The rows of an image, each `stride` bytes.
    private static func read(
        _ bytes: [UInt8], _ size: PixelSize, stride: Int, _ path: String, _ reader: Reader
    ) throws -> [UInt8] {
        var message = [CChar](repeating: 0, count: messageByteCount)
        var samples = [UInt8](repeating: 0, count: stride * size.height)
        let outcome = samples.withUnsafeMutableBufferPointer { buffer in
            var rows = (0..<size.height).map { row in buffer.baseAddress.map { $0 + row * stride } }
            return rows.withUnsafeMutableBufferPointer {
                reader(bytes, bytes.count, $0.baseAddress, &message, message.count)
            }
        }
        guard outcome == 1 else { throw damaged(path, message) }
        return samples
    }

    private static func readHeader(_ bytes: [UInt8], path: String) throws -> emend_png_header {
        var header = emend_png_header()
        var message = [CChar](repeating: 0, count: messageByteCount)
        guard
            emend_png_read_header(bytes, bytes.count, &header, &message, message.count) == 1
        else { throw damaged(path, message) }
        guard Int(header.width) * Int(header.height) <= largestPixelCount else {
            throw unsupported(path, "\(header.width)×\(header.height) pixels are more than 2^27")
        }
        return header
    }

    private static func refuseColours(_ header: emend_png_header, path: String) throws {
        switch header.color_type {
        case PNG_COLOR_TYPE_GRAY, PNG_COLOR_MASK_COLOR | PNG_COLOR_MASK_PALETTE: break
        case PNG_COLOR_TYPE_GRAY_ALPHA:
            throw unsupported(path, "the PNG has an alpha channel")
        default:
            throw unsupported(path, "the PNG holds colours (RGB) where class indices are needed")
        }
        guard header.has_transparency == 0 else {
            throw unsupported(path, "the PNG has a transparency chunk (tRNS)")
        }
    }

    /// Writes labels as a palette PNG with the colours of Pascal VOC.
    public static func encode(_ labels: LabelMap) -> [UInt8] {
        encode(labels.labels, size: labels.size, palette: VOCPalette.bytes)
    }

    /// Writes an RGB PNG.
    public static func encode(_ image: RGBImage) -> [UInt8] {
        encode(image.pixels, size: image.size, palette: nil)
    }

    private static func encode(_ pixels: [UInt8], size: PixelSize, palette: [UInt8]?) -> [UInt8] {
        let raw = pixels.count + size.height
        // zlib stores what it cannot compress: five bytes in 16 KiB, and a chunk frame per 8 KiB.
        let capacity = raw + raw / 100 + 8192
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialised in
            let width = UInt32(size.width)
            let height = UInt32(size.height)
            if let palette {
                count = emend_png_write(
                    pixels, width, height, palette, buffer.baseAddress, capacity)
            } else {
                count = emend_png_write(pixels, width, height, nil, buffer.baseAddress, capacity)
            }
            initialised = count
        }
        precondition(count > 0, "libpng found \(capacity) bytes too few for \(size) pixels")
        return bytes
    }

    private static func damaged(_ path: String, _ message: [CChar]) -> DatasetError {
        let text = String(
            decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return DatasetError(
            .damagedMask, path, "not a whole PNG (libpng: \(text))",
            remedy: "Restore the file, or set data.badFile=substitute")
    }

    private static func unsupported(_ path: String, _ problem: String) -> DatasetError {
        DatasetError(
            .unsupportedMask, path, problem,
            remedy: "Save it as a palette or grey PNG whose values are class indices")
    }
}
