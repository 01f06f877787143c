import Datasets
import Testing

@Suite struct ResamplingTests {
    /// Samples one channel of a one-row image at `count` places.
    private func resized(_ values: [UInt8], to count: Int) -> [Float] {
        let size = PixelSize(height: 1, width: values.count)
        let image = RGBImage(size: size, pixels: values.flatMap { [$0, $0, $0] })
        let view = CropView(source: size, resizedTo: PixelSize(height: 1, width: count))
        var out = [Float](repeating: 0, count: count * 3)
        view.image(image, into: &out)
        return stride(from: 0, to: out.count, by: 3).map { (out[$0] + 1) * 255 / 2 }
    }

    @Test("O7: bilinear resizing aligns corners")
    func bilinearAlignsCorners() {
        let square = RGBImage(
            size: PixelSize(height: 2, width: 2), pixels: [0, 1, 2, 3].flatMap { [$0, $0, $0] })
        let view = CropView(source: square.size, resizedTo: PixelSize(height: 3, width: 3))
        var out = [Float](repeating: 0, count: 27)
        view.image(square, into: &out)
        let expected: [Float] = [0, 0.5, 1, 1, 1.5, 2, 2, 2.5, 3]
        for (index, value) in expected.enumerated() {
            for channel in 0..<3 {
                #expect(out[index * 3 + channel] == value * 2 / 255 - 1)
            }
        }
        for (found, value) in zip(resized([0, 10, 20], to: 4), [0, 6.6667, 13.3333, 20]) {
            #expect(abs(Double(found) - value) < 1e-3)
        }
        #expect(resized([0, 10, 20], to: 2).map { $0.rounded() } == [0, 20])
        #expect(resized([0, 10, 20], to: 1).map { $0.rounded() } == [0])
    }

    @Test("O7: nearest resizing of labels rounds halves away from zero")
    func nearestRoundsAway() {
        let axis = CropAxis(source: 3, scaled: 5, offset: 0, crop: 5, direction: .forward)
        #expect(axis.nearest == [0, 1, 1, 2, 2])
    }

    @Test("O10: scaled and strided sizes")
    func sizes() {
        let scales = [0.5, 0.75, 1, 1.25, 1.5, 1.75]
        func scaled(_ d: Int) -> [Int] {
            scales.map { PixelSize(height: d, width: d).scaled(by: $0).height }
        }
        #expect(scaled(513) == [257, 385, 513, 641, 769, 897])
        #expect(scaled(321) == [161, 241, 321, 401, 481, 561])
        #expect(
            PixelSize(height: 1025, width: 2049).scaled(by: 0.75)
                == PixelSize(height: 769, width: 1537))
        for (size, parts) in [
            (513, [33, 65, 129]), (321, [21, 41, 81]), (241, [16, 31, 61]), (361, [23, 46, 91]),
            (481, [31, 61, 121]), (769, [49, 97, 193]),
        ] {
            let found = [16.0, 8, 4].map {
                PixelSize(height: size, width: size).scaled(by: 1 / $0).height
            }
            #expect(found == parts)
        }
    }

    @Test func `a size is padded to the next 16k + 1`() {
        #expect(
            PixelSize(height: 360, width: 480).paddedToStride16
                == PixelSize(height: 369, width: 481))
        #expect(
            PixelSize(height: 1, width: 17).paddedToStride16 == PixelSize(height: 1, width: 17))
        #expect(
            PixelSize(height: 2, width: 18).paddedToStride16 == PixelSize(height: 17, width: 33))
    }

    @Test("O12: preprocessing")
    func preprocessing() {
        #expect(preprocessed(0) == -1)
        #expect(preprocessed(127.5) == 0)
        #expect(abs(Double(preprocessed(100)) + 0.2156862745) < 1e-7)
        #expect(preprocessed(255) == 1)
    }

    @Test func `image, labels, boxes and valid mask agree under every crop`() {
        let source = PixelSize(height: 37, width: 53)
        let box = BoundingBox(classIndex: 1, left: 7, top: 5, right: 29, bottom: 30)
        var map = LabelMap(size: source, labels: [UInt8](repeating: 0, count: source.count))
        for y in 5..<30 { for x in 7..<29 { map.labels[y * source.width + x] = 1 } }
        var stream = RandomStream(seed: 5, purpose: .augmentation, 1)
        let crop = PixelSize(height: 33, width: 41)
        for _ in 0..<200 {
            let choice = CropChoice(
                stream: &stream, source: source, crop: crop,
                scales: [0.5, 0.75, 1, 1.25, 1.5, 2, 1.37], flip: .half)
            let view = CropView(source: source, crop: crop, choice: choice)
            var labels = [UInt8](repeating: 9, count: crop.count)
            var valid = [UInt8](repeating: 9, count: crop.count)
            var boxes = [Float](repeating: 9, count: crop.count * 2)
            view.labels(map, into: &labels)
            view.valid(into: &valid)
            view.boxes([box], classCount: 2, into: &boxes)
            let scaled = source.scaled(by: choice.scale)
            for pixel in 0..<crop.count {
                let (y, x) = pixel.quotientAndRemainder(dividingBy: crop.width)
                let placeX = choice.direction == .mirrored ? crop.width - 1 - x : x
                let inside =
                    y + choice.offsetY < scaled.height && placeX + choice.offsetX < scaled.width
                #expect(valid[pixel] == (inside ? 1 : 0))
                #expect((labels[pixel] == 255) == !inside)
                #expect(boxes[pixel * 2 + 1] == (labels[pixel] == 1 ? 1 : 0))
                #expect(boxes[pixel * 2] == 1 - boxes[pixel * 2 + 1])
            }
        }
    }

    @Test func `a crop of scale one is the image itself, mirrored or not`() {
        let image = SmallDataset.picture(3)
        let crop = PixelSize(height: 9, width: 11)
        for direction in [CropAxis.Direction.forward, .mirrored] {
            let view = CropView(
                source: image.size, crop: crop,
                choice: CropChoice(scale: 1, offsetY: 4, offsetX: 6, direction: direction))
            var out = [Float](repeating: 7, count: crop.count * 3)
            view.image(image, into: &out)
            for y in 0..<9 {
                for x in 0..<11 {
                    let column = 6 + (direction == .mirrored ? 10 - x : x)
                    let byte = image.pixels[((y + 4) * image.size.width + column) * 3]
                    #expect(out[(y * 11 + x) * 3] == preprocessed(Float(byte)))
                }
            }
        }
    }

    @Test func `padding is grey, void, background and not valid`() {
        let size = PixelSize(height: 2, width: 2)
        let crop = PixelSize(height: 4, width: 4)
        let view = CropView(
            source: size, crop: crop,
            choice: CropChoice(scale: 1, offsetY: 0, offsetX: 0, direction: .forward))
        var image = [Float](repeating: 7, count: 48)
        var labels = [UInt8](repeating: 7, count: 16)
        var valid = [UInt8](repeating: 7, count: 16)
        var boxes = [Float](repeating: 7, count: 48)
        view.image(RGBImage(size: size, pixels: [UInt8](repeating: 255, count: 12)), into: &image)
        view.labels(LabelMap(size: size, labels: [1, 1, 1, 1]), into: &labels)
        view.valid(into: &valid)
        let box = BoundingBox(classIndex: 2, left: 0, top: 0, right: 2, bottom: 2)
        view.boxes([box], classCount: 3, into: &boxes)
        for pixel in 0..<16 {
            let inside = pixel / 4 < 2 && pixel % 4 < 2
            #expect(image[pixel * 3] == (inside ? 1 : 0))
            #expect(labels[pixel] == (inside ? 1 : 255))
            #expect(valid[pixel] == (inside ? 1 : 0))
            #expect(Array(boxes[pixel * 3..<pixel * 3 + 3]) == (inside ? [0, 0, 1] : [1, 0, 0]))
        }
    }
}
