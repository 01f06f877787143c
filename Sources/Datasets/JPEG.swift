import CTurboJPEG

/// JPEG by libjpeg-turbo, with the accurate integer DCT: the same pixels on every processor.
public enum JPEG {
    /// Larger images are refused before memory is taken for them.
    static let largestPixelCount = 1 << 27

    /// Decodes a colour or grey image; grey gives equal red, green and blue.
    ///
    /// Throws `DatasetError` (`damagedImage`, `unsupportedImage`) that names `path`.
    public static func decode(_ bytes: [UInt8], path: String) throws -> RGBImage {
        guard let handle = tjInitDecompress() else {
            preconditionFailure("libturbojpeg has no memory for a decompressor")
        }
        defer { tjDestroy(handle) }
        var width: Int32 = 0
        var height: Int32 = 0
        var subsampling: Int32 = 0
        var colour: Int32 = 0
        let header = tjDecompressHeader3(
            handle, bytes, UInt(bytes.count), &width, &height, &subsampling, &colour)
        guard header == 0, width > 0, height > 0 else { throw damaged(path, handle) }
        guard colour != TJCS_CMYK.rawValue && colour != TJCS_YCCK.rawValue else {
            throw DatasetError(
                .unsupportedImage, path, "the JPEG holds CMYK colours",
                remedy: "Convert it to RGB, for instance with `mogrify -colorspace sRGB`")
        }
        guard Int(width) * Int(height) <= largestPixelCount else {
            throw DatasetError(
                .unsupportedImage, path, "\(width)×\(height) pixels are more than 2^27",
                remedy: "Scale the image down")
        }
        let size = PixelSize(height: Int(height), width: Int(width))
        var pixels = [UInt8](repeating: 0, count: size.count * 3)
        let flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
        let outcome = tjDecompress2(
            handle, bytes, UInt(bytes.count), &pixels, width, 0, height,
            Int32(TJPF_RGB.rawValue), flags)
        guard outcome == 0 else { throw damaged(path, handle) }
        return RGBImage(size: size, pixels: pixels)
    }

    /// Encodes an image; `quality` is 1…100, and colours keep their full resolution from 90 on.
    public static func encode(_ image: RGBImage, quality: Int) -> [UInt8] {
        guard let handle = tjInitCompress() else {
            preconditionFailure("libturbojpeg has no memory for a compressor")
        }
        defer { tjDestroy(handle) }
        var buffer: UnsafeMutablePointer<UInt8>?
        var count: UInt = 0
        let sampling = quality >= 90 ? TJSAMP_444 : TJSAMP_420
        let outcome = tjCompress2(
            handle, image.pixels, Int32(image.size.width), 0, Int32(image.size.height),
            Int32(TJPF_RGB.rawValue), &buffer, &count, Int32(sampling.rawValue), Int32(quality),
            TJFLAG_ACCURATEDCT)
        defer { tjFree(buffer) }
        precondition(outcome == 0, "libturbojpeg: \(String(cString: tjGetErrorStr2(handle)))")
        return Array(UnsafeBufferPointer(start: buffer, count: Int(count)))
    }

    private static func damaged(_ path: String, _ handle: tjhandle) -> DatasetError {
        DatasetError(
            .damagedImage, path,
            "not a whole JPEG (libjpeg-turbo: \(String(cString: tjGetErrorStr2(handle))))",
            remedy: "Restore the file, or set data.badFile=substitute")
    }
}
