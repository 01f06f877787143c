import Datasets
import Testing

@Suite struct AnnotationTests {
    private let size = PixelSize(height: 40, width: 48)
    private let names = ["background", "cat", "dog"]

    private func read(_ xml: String) throws -> AnnotatedBoxes {
        try VOCAnnotation(Array(xml.utf8), path: "Annotations/a.xml")
            .boxes(in: size, classNames: names, path: "Annotations/a.xml")
    }

    private func error(_ xml: String) -> DatasetError? { datasetError { _ = try read(xml) } }

    @Test func `children come in any order, parts are no objects, fractions are kept`() throws {
        let found = try read(
            """
            <?xml version="1.0"?>
            <annotation>
              <filename>a.jpg</filename>
              <size><depth>3</depth><height>40</height><width>48</width></size>
              <object>
                <bndbox><ymax>20</ymax><xmin>11.5</xmin><xmax> 30 </xmax><ymin>9</ymin></bndbox>
                <part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax>
                  <ymax>2</ymax></bndbox></part>
                <difficult>1</difficult>
                <name>dog</name>
                <part><name>foot</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax>
                  <ymax>2</ymax></bndbox></part>
              </object>
              <object><name>cat</name><pose>Left</pose><bndbox><xmin>1</xmin><ymin>1</ymin>
                <xmax>48</xmax><ymax>40</ymax></bndbox></object>
            </annotation>
            """)
        #expect(found.warnings.isEmpty)
        #expect(
            found.boxes == [
                BoundingBox(classIndex: 2, left: 10.5, top: 8, right: 30, bottom: 20),
                BoundingBox(classIndex: 1, left: 0, top: 0, right: 48, bottom: 40),
            ])
    }

    @Test func `an annotation may have no objects`() throws {
        #expect(try read("<annotation><folder>x</folder></annotation>").boxes.isEmpty)
        #expect(try read("<annotation></annotation>").boxes.isEmpty)
    }

    @Test func `a box that reaches over the image is clipped with a warning`() throws {
        let found = try read(SmallDataset.annotation(xmin: "-4", xmax: "60"))
        #expect(
            found.boxes == [BoundingBox(classIndex: 1, left: 0, top: 8, right: 48, bottom: 20)])
        #expect(
            found.warnings.map(\.description) == [
                "Annotations/a.xml: object 1: the box (-5.0, 8.0)–(60.0, 20.0) reaches over the "
                    + "48×40 image and is clipped"
            ])
    }

    @Test func `a box wholly outside the image is an error`() {
        let found = error(SmallDataset.annotation(xmin: "49", xmax: "60"))
        #expect(found?.kind == .boxOutside)
        #expect(
            found?.description
                == "Annotations/a.xml: object 1: the box (48.0, 8.0)–(60.0, 20.0) lies wholly "
                + "outside the 48×40 image. Correct or remove the box.")
        #expect(found?.exitStatus == 65)
    }

    @Test(arguments: [
        ("nan", "left edge of the box is nan"), ("1e300", "left edge of the box is 1e+300"),
        ("inf", "left edge of the box is inf"), ("-1e300", "left edge of the box is -1e+300"),
        ("abc", "xmin is `abc`, not a number"), ("", "xmin is ``, not a number"),
        ("31", "is empty or inverted"),
    ])
    func `a coordinate that is no place in an image is an error`(text: String, message: String) {
        let found = error(SmallDataset.annotation(xmin: text))
        #expect(found?.kind == .boxCoordinate)
        #expect(found?.description.contains(message) == true, "\(String(describing: found))")
        #expect(found?.subject == "Annotations/a.xml: object 1")
    }

    @Test func `an unknown class is named together with the known ones`() {
        let found = error(SmallDataset.annotation(name: "catt"))
        #expect(found?.kind == .unknownClass)
        #expect(
            found?.description
                == "Annotations/a.xml: object 1: unknown class `catt`. Use one of: cat, dog; or "
                + "add the class to labels.txt.")
        #expect(error(SmallDataset.annotation(name: "background"))?.kind == .unknownClass)
    }

    @Test func `malformed XML is an error with file and line`() {
        let found = error("<annotation>\n<object>\n<name>cat</nam>\n</object></annotation>")
        #expect(found?.kind == .malformedAnnotation)
        #expect(found?.subject == "Annotations/a.xml:3")
        #expect(found?.problem.contains("not well-formed XML") == true)
        for xml in [
            "", "cat", "<annotation>", "<annotation><object></annotation>", "\0\0", "<a/>",
            "<annotation/><annotation/>", "<html><object/></html>",
        ] {
            #expect(error(xml)?.kind == .malformedAnnotation, "\(xml)")
        }
    }

    @Test func `entities that multiply are refused and none are fetched`() {
        let declarations = (1...9).map { level in
            "<!ENTITY e\(level) \"" + String(repeating: "&e\(level - 1);", count: 10) + "\">"
        }
        let bomb = """
            <!DOCTYPE annotation [<!ENTITY e0 "cat">\(declarations.joined())]>
            <annotation><object><name>&e9;</name></object></annotation>
            """
        #expect(error(bomb)?.kind == .malformedAnnotation)
        let external = """
            <!DOCTYPE annotation [<!ENTITY f SYSTEM "file:///etc/hostname">]>
            <annotation><object><name>&f;</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax>
            <ymax>9</ymax></bndbox></object></annotation>
            """
        let found = error(external)
        #expect(found != nil)
        #expect(found?.problem.contains("unknown class ``") == true, "\(String(describing: found))")
    }

    @Test func `a missing element is named with its place`() {
        let noBox = error("<annotation><object><name>cat</name></object></annotation>")
        #expect(noBox?.kind == .malformedAnnotation)
        #expect(noBox?.problem.contains("`bndbox` is missing") == true)
        let noEdge = error(
            """
            <annotation><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin>
            <xmax>3</xmax></bndbox></object></annotation>
            """)
        #expect(
            noEdge?.problem.contains("`ymax` is missing") == true, "\(String(describing: noEdge))")
    }

    @Test func `an annotation cut at any place is an error`() {
        let xml = SmallDataset.annotation()
        for count in 0..<xml.utf8.count {
            let cut = String(decoding: xml.utf8.prefix(count), as: UTF8.self)
            #expect(error(cut)?.kind == .malformedAnnotation, "cut at \(count)")
        }
    }

    @Test func `an annotation of another size than the image is a warning`() throws {
        let xml = SmallDataset.annotation().replacing("<width>48", with: "<width>50")
        #expect(
            try read(xml).warnings.map(\.description) == [
                "Annotations/a.xml: the annotation says 50×40, the image has 48×40 pixels"
            ])
    }

    // MARK: COCO

    private func coco(
        bbox: String = "[10, 8, 20, 12]", image: Int = 5, category: Int = 90,
        name: String = "dog"
    ) -> String {
        """
        {"images": [{"id": 5, "file_name": "train/image00.jpg", "width": 48, "height": 40},
                    {"id": 6, "file_name": "image01.jpg", "width": 48, "height": 40}],
         "categories": [{"id": 90, "name": "\(name)"}],
         "annotations": [{"id": 1, "image_id": \(image), "category_id": \(category),
                          "bbox": \(bbox), "iscrowd": 0}]}
        """
    }

    private func cocoBoxes(_ json: String) throws -> AnnotatedBoxes? {
        try COCOBoxes(Array(json.utf8), path: "instances.json", classNames: names)
            .boxes(of: "image00", in: size)
    }

    @Test func `COCO boxes are corner and extent in pixel edges`() throws {
        #expect(
            try cocoBoxes(coco())?.boxes == [
                BoundingBox(classIndex: 2, left: 10, top: 8, right: 30, bottom: 20)
            ])
        let boxes = try COCOBoxes(Array(coco().utf8), path: "i.json", classNames: names)
        #expect(try boxes.boxes(of: "image01", in: size)?.boxes == [])
        #expect(try boxes.boxes(of: "image02", in: size) == nil)
    }

    @Test func `broken COCO files are refused, saying where`() {
        func kind(_ json: String) -> DatasetError.Kind? {
            datasetError { _ = try cocoBoxes(json) }?.kind
        }
        #expect(kind("{") == .malformedAnnotation)
        #expect(kind("[]") == .malformedAnnotation)
        #expect(kind(coco(image: 7)) == .malformedAnnotation)
        #expect(kind(coco(category: 7)) == .malformedAnnotation)
        #expect(kind(coco(bbox: "[1, 2, 3]")) == .malformedAnnotation)
        #expect(kind(coco(name: "dogg")) == .unknownClass)
        #expect(kind(coco(bbox: "[1, 2, 1e300, 3]")) == .boxCoordinate)
        #expect(kind(coco(bbox: "[1, 2, 0, 3]")) == .boxCoordinate)
        #expect(kind(coco(bbox: "[48, 2, 3, 3]")) == .boxOutside)
        let error = datasetError { _ = try cocoBoxes(coco(bbox: "[48, 2, 3, 3]")) }
        #expect(error?.subject == "instances.json: annotation 1")
    }
}
