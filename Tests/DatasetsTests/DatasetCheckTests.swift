import Datasets
import Foundation
import Testing

@Suite struct DatasetCheckTests {
    @Test func `a whole data set has counts and no errors`() throws {
        let data = try SmallDataset()
        let report = try DatasetCheck.run(data.options)
        #expect(report.isUsable)
        #expect(report.labelled.images == 6 && report.labelled.imagesWithMask == 6)
        #expect(report.labelled.boxes == 6)
        #expect(report.weak.images == 0 && report.weak.boxes == 0)
        #expect(report.classes[1].trainingPixels == 6 * 240)
        #expect(report.classes[0].validationPixels == 2 * (48 * 39 - 240))
        #expect(report.voidPixels == 8 * 48)
        #expect(report.smallestImage == "48×40")
        #expect(
            report.warnings.map(\.message) == [
                "class 2 `dog` has no pixel in the masks of F"
            ])
        #expect(report.text.hasSuffix("0 errors, 1 warnings"))
    }

    @Test func `every fault is reported, not the first alone`() throws {
        let data = try SmallDataset()
        try data.write(
            Array(try data.read(data.image("image00")).dropLast(99)), to: data.image("image00"))
        try data.remove(data.mask("image01"))
        var labels = SmallDataset.labels()
        labels.labels[0] = 9
        try data.write(PNG.encode(labels), to: data.mask("image02"))
        let small = LabelMap(size: PixelSize(height: 1, width: 1), labels: [0])
        try data.write(PNG.encode(small), to: data.mask("image03"))
        try data.write("<annotation>", to: data.annotation("image04"))
        try data.write(SmallDataset.annotation(xmax: "99"), to: data.annotation("image05"))
        let report = try DatasetCheck.run(data.options)
        #expect(!report.isUsable)
        #expect(
            report.errors.map(\.kind) == [
                "damagedImage", "missingFile", "maskValue", "sizeMismatch", "malformedAnnotation",
            ])
        #expect(report.warnings.contains { $0.message.contains("is clipped") })
        #expect(report.text.contains("error: labelled image `image00`: "))
    }

    @Test func `leakage is an error, the same image under two names a warning`() throws {
        let data = try SmallDataset()
        try data.write("image00\nimage07\n", to: data.list("val"))
        try data.write(try data.read(data.image("image01")), to: data.image("image02"))
        let report = try DatasetCheck.run(data.options)
        #expect(report.errors.map(\.kind) == ["leakage"])
        #expect(report.errors[0].message.contains("`image00`"))
        #expect(
            report.warnings.contains {
                $0.kind == "sameImage" && $0.message.contains("`image01` (labelled)")
                    && $0.message.contains("`image02` (labelled)")
            })
    }

    @Test func `a class in the mask that has no box is a warning`() throws {
        let data = try SmallDataset()
        try data.write(SmallDataset.annotation(name: "dog"), to: data.annotation("image01"))
        let report = try DatasetCheck.run(data.options)
        #expect(report.isUsable)
        #expect(
            report.warnings.contains {
                $0.kind == "classWithoutBox" && $0.message.contains("shows cat but no box does")
            })
    }

    @Test func `the report is one line of JSON that reads back`() throws {
        let data = try SmallDataset()
        let report = try DatasetCheck.run(data.options)
        #expect(!report.json.contains("\n"))
        #expect(report.json.contains("\"images_with_mask\":6"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let read = try decoder.decode(DatasetReport.self, from: Data(report.json.utf8))
        #expect(read == report)
    }
}
