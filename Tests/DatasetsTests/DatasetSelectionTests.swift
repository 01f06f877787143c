import Datasets
import Foundation
import Testing

@Suite struct DatasetSelectionTests {
    private let names = (0..<1464).map { "image\($0)" }

    @Test func `F and W are disjoint, complete and depend on the seed alone`() {
        for count in [200, 400, 800, 1464] {
            let split = DatasetLists.split(names, labelled: count, seed: 7)
            #expect(split.labelled.count == count)
            #expect(Set(split.labelled).union(split.weak) == Set(names))
            #expect(split.weak.count == names.count - count)
            #expect(DatasetLists.split(names, labelled: count, seed: 7) == split)
            #expect(
                count == 1464
                    || Set(DatasetLists.split(names, labelled: count, seed: 8).labelled)
                        != Set(split.labelled)
            )
        }
    }

    @Test func `the choice of a seed is the same in every version`() {
        let split = DatasetLists.split((0..<10).map(String.init), labelled: 4, seed: 0)
        #expect(split.labelled == ["6", "9", "4", "5"])
    }

    @Test func `fewer labelled images are part of more`() {
        let few = DatasetLists.split(names, labelled: 200, seed: 3).labelled
        let more = DatasetLists.split(names, labelled: 400, seed: 3).labelled
        #expect(Array(more.prefix(200)) == few)
    }

    @Test func `a weak image's mask is never opened: all may be deleted`() throws {
        let data = try SmallDataset()
        var options = data.options
        options.supervised = 2
        let whole = try VOCDataset(options)
        let request = BatchRequest.small(
            pool: .labelledAndWeak, step: 1, batch: 4, labelled: 2)
        let before = try whole.batch(request)
        for entry in whole.index.weak { try data.remove(data.mask(entry.name)) }
        let without = try VOCDataset(options)
        #expect(without.index == whole.index)
        #expect(try without.batch(request) == before)
        #expect(without.index.weak.allSatisfy { $0.mask == nil })
        #expect(try without.sample(split: .weak, index: 0).labels == nil)
        #expect(try DatasetCheck.run(options).isUsable)
    }

    @Test func `a weak mask that is damaged does not matter, a weak annotation does`() throws {
        let data = try SmallDataset()
        var options = data.options
        options.supervised = 2
        let weak = try VOCDataset(options).index.weak[0].name
        try data.write("no PNG", to: data.mask(weak))
        _ = try VOCDataset(options)
        try data.remove(data.annotation(weak))
        let error = datasetError { _ = try VOCDataset(options) }
        #expect(error?.kind == .missingFile)
        #expect(error?.subject.hasSuffix("\(weak).xml") == true)
    }

    @Test func `labelled images without XML have boxes from their masks`() throws {
        let data = try SmallDataset()
        let expected = [BoundingBox(classIndex: 1, left: 10, top: 8, right: 30, bottom: 20)]
        try data.write(SmallDataset.annotation(xmax: "40"), to: data.annotation("image00"))
        try data.remove(data.annotation("image01"))
        let dataset = try VOCDataset(data.options)
        #expect(try dataset.sample(split: .labelled, index: 0).boxes[0].right == 40)
        #expect(try dataset.sample(split: .labelled, index: 1).boxes == expected)
        var options = data.options
        options.boxes = .masks
        #expect(try VOCDataset(options).sample(split: .labelled, index: 0).boxes == expected)
    }

    @Test func `object masks give boxes to objects that touch`() throws {
        let data = try SmallDataset()
        try data.remove(data.annotation("image00"))
        try FileManager.default.createDirectory(
            atPath: "\(data.root)/SegmentationObject", withIntermediateDirectories: true)
        var objects = SmallDataset.labels()
        for y in 8..<20 { for x in 20..<30 { objects.labels[y * 48 + x] = 2 } }
        try data.write(PNG.encode(objects), to: "SegmentationObject/image00.png")
        let dataset = try VOCDataset(data.options)
        #expect(
            try dataset.sample(split: .labelled, index: 0).boxes == [
                BoundingBox(classIndex: 1, left: 10, top: 8, right: 20, bottom: 20),
                BoundingBox(classIndex: 1, left: 20, top: 8, right: 30, bottom: 20),
            ])
    }

    @Test func `COCO boxes serve in place of annotations`() throws {
        let data = try SmallDataset()
        let images = data.names.enumerated().map {
            "{\"id\": \($0.offset), \"file_name\": \"\($0.element).jpg\"}"
        }
        try data.write(
            """
            {"images": [\(images.joined(separator: ","))],
             "categories": [{"id": 1, "name": "dog"}],
             "annotations": [{"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4]}]}
            """, to: "boxes.json")
        var options = data.options
        options.boxes = .coco("boxes.json")
        let dataset = try VOCDataset(options)
        #expect(
            try dataset.sample(split: .labelled, index: 0).boxes == [
                BoundingBox(classIndex: 2, left: 1, top: 2, right: 4, bottom: 6)
            ])
        #expect(try dataset.sample(split: .labelled, index: 1).boxes.isEmpty)
        #expect(dataset.index.boxFile?.name == "boxes.json")
        try data.write("{}", to: "boxes.json")
        let error = datasetError { _ = try VOCDataset(options, index: dataset.index) }
        #expect(error?.kind == .changedFile)
    }

    @Test func `a file that is not the one of the index is refused`() throws {
        let data = try SmallDataset()
        let index = try VOCDataset(data.options).index
        let json = try JSONEncoder().encode(index)
        let received = try JSONDecoder().decode(DatasetIndex.self, from: json)
        #expect(received == index)
        #expect(received.hash == index.hash)
        let worker = try VOCDataset(data.options, index: received)
        let mine = try worker.batch(.small())
        #expect(try VOCDataset(data.options).batch(.small()) == mine)
        try data.write(
            JPEG.encode(SmallDataset.picture(77), quality: 95), to: data.image("image04"))
        let other = try VOCDataset(data.options, index: received)
        let error = datasetError { _ = try other.sample(split: .labelled, index: 4) }
        #expect(error?.kind == .changedFile)
        #expect(error?.problem.contains("not the file of this run's index") == true)
        #expect(try VOCDataset(data.options).index.hash != index.hash)
    }

    @Test func `a bad file is substituted by the next whole one, once for all`() throws {
        let data = try SmallDataset()
        try data.write("no JPEG", to: data.image("image02"))
        try data.write("no PNG", to: data.mask("image03"))
        var options = data.options
        #expect(
            datasetError { _ = try VOCDataset(options) }?.subject.hasSuffix("image02.jpg") == true)
        options.badFile = .substitute
        let dataset = try VOCDataset(options)
        #expect(dataset.index.labelled.map(\.name).sorted().count == 6)
        #expect(dataset.index.labelled[2].name == "image04")
        #expect(dataset.index.labelled[3].name == "image04")
        #expect(dataset.index.substitutions.map(\.damaged) == ["image02", "image03"])
        #expect(dataset.index.substitutions[0].reason.contains("not a whole JPEG"))
        _ = try dataset.batch(.small(batch: 6, labelled: 6))
        try data.write("no JPEG", to: data.image(data.names[7]))
        #expect(datasetError { _ = try VOCDataset(options) }?.kind == .damagedImage)
    }
}
