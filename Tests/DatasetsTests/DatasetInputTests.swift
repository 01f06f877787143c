import Datasets
import Foundation
import Testing

/// Broken data sets: what is said, and that a run stops at its start.
@Suite struct DatasetInputTests {
    private func error(_ options: DatasetOptions) -> DatasetError? {
        datasetError { _ = try VOCDataset(options) }
    }

    @Test func `a missing folder says what a data set looks like`() {
        let found = error(DatasetOptions(root: "/nowhere/at/all"))
        #expect(found?.kind == .missingFolder)
        #expect(found?.exitStatus == 66)
        #expect(found?.description.hasPrefix("/nowhere/at/all: the folder does not exist.") == true)
        #expect(found?.description.contains("emend dataset synthesize") == true)
    }

    @Test func `an empty list is an error`() throws {
        let data = try SmallDataset()
        try data.write("\n \n", to: data.list("train"))
        let found = error(data.options)
        #expect(found?.kind == .emptyList)
        #expect(found?.description.contains("train.txt: the list names no image") == true)
        #expect(found?.exitStatus == 65)
    }

    @Test func `an unknown list is answered with the lists there are`() throws {
        let data = try SmallDataset()
        var options = data.options
        options.labelled = "trian"
        let found = error(options)
        #expect(found?.kind == .missingFile)
        #expect(found?.description.contains("Lists here: train, val") == true)
    }

    @Test func `a truncated JPEG stops the run and is named`() throws {
        let data = try SmallDataset()
        let file = data.image("image02")
        try data.write(Array(try data.read(file).dropLast(100)), to: file)
        let found = error(data.options)
        #expect(found?.kind == .damagedImage)
        #expect(found?.subject == "\(data.root)/\(file)")
        #expect(found?.problem.contains("not a whole JPEG") == true)
        #expect(found?.exitStatus == 65)
    }

    @Test func `a truncated PNG stops the run and is named`() throws {
        let data = try SmallDataset()
        let file = data.mask("image02")
        try data.write(Array(try data.read(file).dropLast(20)), to: file)
        let found = error(data.options)
        #expect(found?.kind == .damagedMask)
        #expect(found?.subject == "\(data.root)/\(file)")
        #expect(found?.problem.contains("not a whole PNG") == true)
    }

    @Test func `a mask value outside the classes is named with its place`() throws {
        let data = try SmallDataset()
        var labels = SmallDataset.labels()
        labels.labels[3 * 48 + 7] = 3
        labels.labels[4 * 48] = 17
        try data.write(PNG.encode(labels), to: data.mask("image01"))
        let found = error(data.options)
        #expect(found?.kind == .maskValue)
        #expect(
            found?.problem
                == "2 pixels are outside the 3 classes, the first of them 3 at column 7, row 3")
    }

    @Test func `a mask of another size than its image names both sizes`() throws {
        let data = try SmallDataset()
        let labels = LabelMap(
            size: PixelSize(height: 20, width: 48), labels: [UInt8](repeating: 0, count: 960))
        try data.write(PNG.encode(labels), to: data.mask("image01"))
        let found = error(data.options)
        #expect(found?.kind == .sizeMismatch)
        #expect(found?.problem == "the mask has 48×20 pixels and its image 48×40")
    }

    @Test func `missing files are named`() throws {
        for file in ["JPEGImages/image01.jpg", "SegmentationClass/image01.png"] {
            let data = try SmallDataset()
            try data.remove(file)
            let found = error(data.options)
            #expect(found?.kind == .missingFile)
            #expect(found?.subject == "\(data.root)/\(file)")
        }
    }

    @Test func `malformed XML, boxes outside and unknown classes stop the run`() throws {
        for (text, kind) in [
            ("<annotation>", DatasetError.Kind.malformedAnnotation),
            (SmallDataset.annotation(xmin: "100", xmax: "200"), .boxOutside),
            (SmallDataset.annotation(ymax: "nan"), .boxCoordinate),
            (SmallDataset.annotation(ymax: "1e300"), .boxCoordinate),
            (SmallDataset.annotation(name: "horse"), .unknownClass),
        ] {
            let data = try SmallDataset()
            try data.write(text, to: data.annotation("image03"))
            let found = error(data.options)
            #expect(found?.kind == kind)
            #expect(found?.subject.contains("Annotations/image03.xml") == true)
            #expect(found?.exitStatus == 65)
        }
    }

    @Test func `a clipped box is a warning of the run`() throws {
        let data = try SmallDataset()
        try data.write(SmallDataset.annotation(xmax: "70"), to: data.annotation("image03"))
        let dataset = try VOCDataset(data.options)
        #expect(dataset.warnings.count == 1)
        #expect(dataset.warnings.first?.description.contains("image03.xml") == true)
    }

    @Test func `class names are checked line by line`() throws {
        for (text, subject, problem) in [
            ("background\ncat\ncat\n", "labels.txt:3", "class `cat` is already on line 2"),
            ("background\n\ncat\n", "labels.txt:2", "the line is empty"),
            ("background\n", "labels.txt:1", "1 classes; there are 2 to 255"),
        ] {
            let data = try SmallDataset()
            try data.write(text, to: "labels.txt")
            let found = error(data.options)
            #expect(found?.kind == .classNames)
            #expect(found?.subject.hasSuffix(subject) == true)
            #expect(found?.problem == problem)
        }
    }

    @Test func `without labels the classes are those of Pascal VOC`() throws {
        let data = try SmallDataset()
        try data.remove("labels.txt")
        let dataset = try VOCDataset(data.options)
        #expect(dataset.classNames.count == 21)
        #expect(dataset.classNames[20] == "tvmonitor")
        #expect(try dataset.sample(split: .labelled, index: 0).boxes.first?.classIndex == 8)
    }

    @Test func `names that lead out of the data set, twice or in both lists are refused`() throws {
        let data = try SmallDataset()
        try data.write("image00\n../image01\n", to: data.list("train"))
        #expect(error(data.options)?.kind == .unsafeName)
        try data.write("/etc/passwd\n", to: data.list("train"))
        #expect(error(data.options)?.kind == .unsafeName)
        try data.write("image00\nimage01\r\nimage00\n", to: data.list("train"))
        let twice = error(data.options)
        #expect(twice?.kind == .duplicateName)
        #expect(twice?.subject.hasSuffix("train.txt:3") == true)
        try data.write("image00\nimage01\n", to: data.list("train"))
        try data.write("image02\nimage01\n", to: data.list("weak"))
        var options = data.options
        options.weak = "weak"
        let both = error(options)
        #expect(both?.kind == .overlappingLists)
        #expect(both?.problem.contains("`image01`") == true)
    }

    @Test func `a number of labelled images that is not there is refused`() throws {
        let data = try SmallDataset()
        var options = data.options
        for count in [0, -1, 7] {
            options.supervised = count
            let found = error(options)
            #expect(found?.kind == .selection)
            #expect(found?.description.contains("Give a number from 1 to 6") == true)
            #expect(found?.exitStatus == 78)
        }
    }
}
