import Datasets
import Foundation
import Testing

@Suite struct ImageFileTests {
    private let expected = (0..<15).map { UInt16($0) }

    @Test(arguments: [
        (ImageFixture.palette1, 2), (.palette2, 4), (.palette4, 16), (.palette8, 256),
        (.grey1, 2), (.grey2, 4), (.grey4, 16), (.grey8, 256),
    ])
    func `indices are read as they are, neither colours nor scaled greys`(
        fixture: ImageFixture, values: Int
    ) throws {
        let image = try PNG.decodeIndices(fixture.bytes, path: "a.png")
        #expect(image.size == PixelSize(height: 3, width: 5))
        #expect(image.indices == expected.map { $0 % UInt16(values) })
    }

    @Test func `16-bit grey values keep their 16 bits`() throws {
        let image = try PNG.decodeIndices(ImageFixture.grey16.bytes, path: "a.png")
        #expect(image.indices == expected.map { $0 * 1000 })
    }

    @Test(arguments: [
        (ImageFixture.rgb, "holds colours (RGB)"), (.greyAlpha, "alpha channel"),
        (.transparent, "transparency chunk (tRNS)"), (.huge, "60000×60000 pixels are more"),
    ])
    func `a PNG that is no index image is refused by name`(
        fixture: ImageFixture, message: String
    ) {
        let error = datasetError { _ = try PNG.decodeIndices(fixture.bytes, path: "m/a.png") }
        #expect(error?.kind == .unsupportedMask)
        #expect(error?.description.contains(message) == true)
        #expect(error?.subject == "m/a.png")
    }

    @Test func `a PNG cut at any place is an error`() {
        let whole = PNG.encode(SmallDataset.labels())
        for count in 0..<whole.count {
            let error = datasetError {
                _ = try PNG.decodeIndices(Array(whole.prefix(count)), path: "a.png")
            }
            #expect(error?.kind == .damagedMask, "cut at \(count) of \(whole.count)")
        }
    }

    @Test func `damaged bytes of a PNG never pass for the image`() throws {
        let whole = PNG.encode(SmallDataset.labels())
        let good = try PNG.decodeIndices(whole, path: "a.png")
        for position in whole.indices {
            var bytes = whole
            bytes[position] ^= 0x5a
            let image = try? PNG.decodeIndices(bytes, path: "a.png")
            #expect(image == nil || image == good, "byte \(position)")
        }
    }

    @Test func `a palette PNG holds the labels and the colours of Pascal VOC`() throws {
        let labels = LabelMap(
            size: PixelSize(height: 16, width: 16), labels: (0..<256).map { UInt8($0) })
        let bytes = PNG.encode(labels)
        let image = try PNG.decodeIndices(bytes, path: "a.png")
        #expect(image.indices == (0..<256).map { UInt16($0) })
        let palette = VOCPalette.bytes
        #expect(Array(palette[3..<6]) == [128, 0, 0])
        #expect(Array(palette[33..<36]) == [192, 128, 0])
        #expect(Array(palette[60..<63]) == [0, 64, 128])
        #expect(Array(palette[765..<768]) == [224, 224, 192])
        let marker = Array("PLTE".utf8)
        let start = bytes.indices.first { bytes[$0...].starts(with: marker) }
        #expect(start.map { Array(bytes[($0 + 4)..<($0 + 772)]) } == palette)
    }

    @Test func `an RGB PNG of any content is written whole`() {
        var stream = RandomStream(seed: 9, purpose: .texture, 0)
        for side in [1, 3, 100, 257] {
            let size = PixelSize(height: side, width: side)
            let pixels = (0..<size.count * 3).map { _ in UInt8(stream.below(256)) }
            let bytes = PNG.encode(RGBImage(size: size, pixels: pixels))
            #expect(bytes.suffix(8).prefix(4).elementsEqual("IEND".utf8))
        }
    }

    @Test func `a PNG of any colours is read as red, green and blue`() throws {
        let image = SmallDataset.picture(4)
        #expect(try PNG.decode(PNG.encode(image), path: "a.png") == image)
        let palette = try PNG.decode(ImageFixture.palette4.bytes, path: "a.png")
        #expect(Array(palette.pixels.prefix(6)) == [255, 0, 7, 254, 1, 7])
        for fixture in [ImageFixture.grey1, .grey8, .grey16, .greyAlpha, .transparent, .rgb] {
            #expect(try PNG.decode(fixture.bytes, path: "a.png").pixels.count == 45)
        }
        #expect(
            Array(try PNG.decode(ImageFixture.grey8.bytes, path: "").pixels.suffix(3)) == [
                14, 14, 14,
            ])
    }

    @Test func `an image file is a JPEG or a PNG by its content`() throws {
        let folder = try TemporaryFolder()
        let image = SmallDataset.picture(4)
        for bytes in [PNG.encode(image), JPEG.encode(image, quality: 95)] {
            try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/a"))
            #expect(try RGBImage(contentsOf: folder.path + "/a").size == image.size)
        }
        try Data("GIF89a".utf8).write(to: URL(fileURLWithPath: folder.path + "/a"))
        let error = datasetError { _ = try RGBImage(contentsOf: folder.path + "/a") }
        #expect(error?.kind == .unsupportedImage)
        let absent = datasetError { _ = try RGBImage(contentsOf: folder.path + "/b") }
        #expect(absent?.kind == .missingFile)
    }

    @Test func `a JPEG comes back nearly as it was`() throws {
        let image = SmallDataset.picture(1)
        let smooth = RGBImage(
            size: image.size,
            pixels: (0..<image.pixels.count).map { UInt8($0 / 3 % image.size.width * 4) })
        let decoded = try JPEG.decode(JPEG.encode(smooth, quality: 95), path: "a.jpg")
        #expect(decoded.size == smooth.size)
        let worst = zip(decoded.pixels, smooth.pixels).map { abs(Int($0) - Int($1)) }.max()
        #expect((worst ?? 255) <= 8)
    }

    @Test func `a grey JPEG gives equal channels`() throws {
        let image = try JPEG.decode(ImageFixture.greyJPEG.bytes, path: "a.jpg")
        #expect(image.pixels == [UInt8](repeating: 100, count: 192))
    }

    @Test func `a CMYK JPEG is refused with advice`() {
        let error = datasetError { _ = try JPEG.decode(ImageFixture.cmyk.bytes, path: "a.jpg") }
        #expect(error?.kind == .unsupportedImage)
        #expect(error?.description.contains("CMYK") == true)
        #expect(error?.description.contains("mogrify -colorspace sRGB") == true)
    }

    @Test func `a JPEG cut at any place is an error`() {
        let whole = JPEG.encode(SmallDataset.picture(2), quality: 60)
        for count in 0..<(whole.count - 2) {
            let error = datasetError {
                _ = try JPEG.decode(Array(whole.prefix(count)), path: "images/a.jpg")
            }
            #expect(error?.kind == .damagedImage, "cut at \(count) of \(whole.count)")
        }
    }
}
