import Datasets
import Testing

@Suite struct BoxMaskTests {
    private func mask(
        _ boxes: [BoundingBox], _ size: PixelSize, classes: Int
    ) -> [[Float]] {
        let tensor = BoxMasks.tensor(boxes, in: size, padded: size, classCount: classes)
        return (0..<classes).map { channel in
            (0..<size.count).map { tensor[$0 * classes + channel] }
        }
    }

    @Test("O13: box masks of the 4×4 image with two overlapping boxes")
    func oracle() throws {
        let xml = """
            <annotation><object><name>a</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax>
            <ymax>2</ymax></bndbox></object><object><name>b</name><bndbox><xmin>2</xmin>
            <ymin>2</ymin><xmax>4</xmax><ymax>3</ymax></bndbox></object></annotation>
            """
        let size = PixelSize(height: 4, width: 4)
        let boxes = try VOCAnnotation(Array(xml.utf8), path: "a.xml")
            .boxes(in: size, classNames: ["background", "a", "b"], path: "a.xml").boxes
        let channels = mask(boxes, size, classes: 3)
        #expect(channels[1] == [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(channels[2] == [0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0])
        #expect(channels[0] == [0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1])
    }

    @Test func `an image without boxes is background throughout`() {
        let channels = mask([], PixelSize(height: 3, width: 5), classes: 4)
        #expect(channels[0].allSatisfy { $0 == 1 })
        #expect(channels[1...].allSatisfy { $0.allSatisfy { $0 == 0 } })
    }

    @Test func `a box of one pixel covers one pixel`() {
        let box = BoundingBox(classIndex: 1, left: 2, top: 1, right: 3, bottom: 2)
        let channels = mask([box], PixelSize(height: 3, width: 5), classes: 2)
        #expect(channels[1].indices.filter { channels[1][$0] == 1 } == [7])
    }

    @Test func `identical boxes of two classes are both there`() {
        let boxes = [1, 2].map {
            BoundingBox(classIndex: $0, left: 0, top: 0, right: 2, bottom: 2)
        }
        let channels = mask(boxes, PixelSize(height: 2, width: 2), classes: 3)
        #expect(channels == [[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]])
    }

    @Test func `a box that touches the border reaches the last column and row`() {
        let size = PixelSize(height: 4, width: 6)
        let box = BoundingBox(classIndex: 1, left: 4, top: 3, right: 6, bottom: 4)
        let channels = mask([box], size, classes: 2)
        #expect(channels[1].indices.filter { channels[1][$0] == 1 } == [22, 23])
    }

    @Test func `fractions of a pixel count by the centre of the pixel`() {
        let size = PixelSize(height: 1, width: 6)
        let box = BoundingBox(classIndex: 1, left: 1.4, top: 0, right: 3.6, bottom: 1)
        #expect(mask([box], size, classes: 2)[1] == [0, 1, 1, 1, 0, 0])
        let narrower = BoundingBox(classIndex: 1, left: 1.6, top: 0, right: 3.4, bottom: 1)
        #expect(mask([narrower], size, classes: 2)[1] == [0, 0, 1, 0, 0, 0])
    }

    @Test func `a box outside the crop vanishes`() {
        let size = PixelSize(height: 20, width: 20)
        let view = CropView(
            source: size, crop: PixelSize(height: 5, width: 5),
            choice: CropChoice(scale: 1, offsetY: 10, offsetX: 10, direction: .forward))
        var out = [Float](repeating: 3, count: 50)
        view.boxes(
            [BoundingBox(classIndex: 1, left: 0, top: 0, right: 10, bottom: 20)],
            classCount: 2, into: &out)
        #expect(stride(from: 0, to: 50, by: 2).allSatisfy { out[$0] == 1 && out[$0 + 1] == 0 })
    }

    @Test func `components are joined over corners and small ones dropped`() {
        let size = PixelSize(height: 4, width: 6)
        let map = LabelMap(
            size: size,
            labels: [
                1, 0, 0, 2, 2, 0,
                0, 1, 0, 2, 255, 0,
                0, 0, 1, 0, 0, 0,
                0, 0, 0, 0, 1, 0,
            ])
        let boxes = MaskBoxes.fromComponents(of: map, minimumArea: 2)
        #expect(
            boxes == [
                BoundingBox(classIndex: 1, left: 0, top: 0, right: 3, bottom: 3),
                BoundingBox(classIndex: 2, left: 3, top: 0, right: 5, bottom: 2),
            ])
        #expect(MaskBoxes.fromComponents(of: map, minimumArea: 1).count == 3)
    }

    @Test func `objects take the class of most of their pixels`() {
        let size = PixelSize(height: 2, width: 4)
        let objects = IndexImage(size: size, indices: [7, 7, 7, 255, 300, 300, 0, 9])
        let map = LabelMap(size: size, labels: [2, 2, 1, 255, 3, 0, 0, 255])
        #expect(
            MaskBoxes.fromObjects(objects, classes: map) == [
                BoundingBox(classIndex: 2, left: 0, top: 0, right: 3, bottom: 1),
                BoundingBox(classIndex: 3, left: 0, top: 1, right: 2, bottom: 2),
            ])
    }
}
