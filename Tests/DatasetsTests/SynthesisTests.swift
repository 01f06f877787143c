import Datasets
import Foundation
import Testing

@Suite struct SynthesisTests {
    private let size = PixelSize(height: 96, width: 112)

    private func scene(
        _ number: UInt64, seed: UInt64 = 0, difficulty: SyntheticDifficulty = .medium
    ) -> SyntheticPicture {
        SyntheticScene(
            seed: seed, number: number, size: size, classCount: 6, difficulty: difficulty
        ).render()
    }

    @Test func `a scene is a pure function of its seed and number`() {
        #expect(scene(3).image == scene(3).image)
        #expect(scene(3).labels == scene(3).labels)
        #expect(scene(3).image != scene(4).image)
        #expect(scene(3).image != scene(3, seed: 1).image)
    }

    @Test(arguments: SyntheticDifficulty.allCases)
    func `boxes, objects and classes of a scene agree`(difficulty: SyntheticDifficulty) {
        for number in 0..<20 {
            let picture = scene(UInt64(number), difficulty: difficulty)
            for (index, box) in picture.boxes.enumerated() {
                let pixels = picture.objects.labels.indices.filter {
                    picture.objects.labels[$0] == UInt8(index + 1)
                }
                #expect(!pixels.isEmpty)
                for pixel in pixels {
                    let (y, x) = pixel.quotientAndRemainder(dividingBy: size.width)
                    #expect(Double(x) >= box.left && Double(x) < box.right)
                    #expect(Double(y) >= box.top && Double(y) < box.bottom)
                    #expect(picture.labels.labels[pixel] == UInt8(box.classIndex))
                }
            }
            let numbered = picture.objects.labels.filter { $0 != 0 && $0 != 255 }
            let classed = picture.labels.labels.filter { $0 != 0 && $0 != 255 }
            #expect(numbered.count == classed.count)
        }
    }

    @Test func `all classes and the ground occur, none rules`() {
        var counts = [Int](repeating: 0, count: 256)
        for number in 0..<60 {
            for label in scene(UInt64(number)).labels.labels { counts[Int(label)] += 1 }
        }
        let total = counts.reduce(0, +)
        #expect(counts[0] * 100 / total > 40 && counts[0] * 100 / total < 90)
        for index in 1...6 { #expect(counts[index] * 1000 / total > 5, "class \(index)") }
        #expect(counts[255] * 100 / total < 10)
    }

    @Test func `the written set is a data set without faults`() throws {
        let folder = try TemporaryFolder()
        let options = SynthesisOptions(
            seed: 4, trainingCount: 12, validationCount: 5, size: size, classCount: 4)
        try Synthesis.write(options, to: folder.path + "/set")
        let report = try DatasetCheck.run(
            DatasetOptions(root: folder.path + "/set", supervised: 6))
        #expect(report.errors.isEmpty, "\(report.text)")
        #expect(report.labelled.images == 6 && report.weak.images == 6)
        #expect(report.validation.images == 5 && report.weak.imagesWithMask == 0)
        #expect(report.classes.map(\.name) == ["background", "drum", "biscuit", "crate", "board"])
        let dataset = try VOCDataset(DatasetOptions(root: folder.path + "/set"))
        let sample = try dataset.sample(split: .labelled, index: 7)
        let picture = SyntheticScene(
            seed: 4, number: 7, size: size, classCount: 4, difficulty: .medium
        ).render()
        #expect(sample.labels == picture.labels)
        #expect(sample.boxes == picture.boxes)
        let again = try TemporaryFolder()
        try Synthesis.write(options, to: again.path)
        #expect(
            try VOCDataset(DatasetOptions(root: again.path)).index.hash == dataset.index.hash)
    }

    @Test func `a folder that holds something and senseless options are refused`() throws {
        let folder = try TemporaryFolder()
        try Data().write(to: URL(fileURLWithPath: folder.path + "/x"))
        let full = datasetError { try Synthesis.write(SynthesisOptions(), to: folder.path) }
        #expect(full?.kind == .unwritableFile)
        #expect(full?.description.contains("the folder is not empty") == true)
        for options in [
            SynthesisOptions(classCount: 9), SynthesisOptions(trainingCount: 0),
            SynthesisOptions(size: PixelSize(height: 8, width: 128)),
        ] {
            let error = datasetError { try Synthesis.write(options, to: folder.path + "/new") }
            #expect(error?.kind == .selection)
        }
    }
}
