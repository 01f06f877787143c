import Foundation

/// The synthetic data set to write.
public struct SynthesisOptions: Hashable, Sendable {
    /// Seed of all that is drawn.
    public var seed: UInt64
    /// Images in the list `train`.
    public var trainingCount: Int
    /// Images in the list `val`.
    public var validationCount: Int
    /// Size of every image in pixels.
    public var size: PixelSize
    /// Classes beside the background, 1…8.
    public var classCount: Int
    /// How hard the set is.
    public var difficulty: SyntheticDifficulty

    /// The default is a set for a demonstration: quick to write and to train on.
    public init(
        seed: UInt64 = 0, trainingCount: Int = 200, validationCount: Int = 50,
        size: PixelSize = PixelSize(height: 128, width: 128), classCount: Int = 6,
        difficulty: SyntheticDifficulty = .medium
    ) {
        self.seed = seed
        self.trainingCount = trainingCount
        self.validationCount = validationCount
        self.size = size
        self.classCount = classCount
        self.difficulty = difficulty
    }
}

/// Writes a synthetic data set in the layout of Pascal VOC.
public enum Synthesis {
    /// Most classes that can be asked for.
    public static var largestClassCount: Int { SyntheticClass.all.count }

    /// Names of the classes in index order, the background first.
    public static func classNames(_ options: SynthesisOptions) -> [String] {
        ["background"] + SyntheticClass.all.prefix(options.classCount).map(\.name)
    }

    /// Writes images, masks, objects, annotations, `labels.txt` and the lists `train` and `val`
    /// into a folder that is empty or does not exist yet.
    ///
    /// Throws `DatasetError` where the options make no sense or writing fails.
    public static func write(_ options: SynthesisOptions, to root: String) throws {
        try validate(options)
        let present = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        guard present.isEmpty else {
            throw DatasetError(
                .unwritableFile, root, "the folder is not empty",
                remedy: "Name a new folder for the synthetic set")
        }
        for folder in [
            "JPEGImages", "SegmentationClass", "SegmentationObject", "Annotations",
            VOCFolder.listFolder,
        ] { try makeFolder("\(root)/\(folder)") }
        let names = classNames(options)
        try Datasets.write(
            Array((names.joined(separator: "\n") + "\n").utf8), to: "\(root)/labels.txt")
        for (list, count, first) in [
            ("train", options.trainingCount, 0),
            ("val", options.validationCount, SynthesisOptions.firstValidationNumber),
        ] {
            var listed = ""
            for index in 0..<count {
                let name = "\(list)_" + String(index + 10_000).dropFirst()
                let scene = SyntheticScene(
                    seed: options.seed, number: UInt64(first + index), size: options.size,
                    classCount: options.classCount, difficulty: options.difficulty)
                try write(scene.render(), name: name, classNames: names, to: root)
                listed += name + "\n"
            }
            try Datasets.write(
                Array(listed.utf8), to: "\(root)/\(VOCFolder.listFolder)/\(list).txt")
        }
    }

    private static func write(
        _ picture: SyntheticPicture, name: String, classNames: [String], to root: String
    ) throws {
        let jpeg = JPEG.encode(picture.image, quality: 92)
        try Datasets.write(jpeg, to: "\(root)/JPEGImages/\(name).jpg")
        try Datasets.write(
            PNG.encode(picture.labels), to: "\(root)/SegmentationClass/\(name).png")
        try Datasets.write(
            PNG.encode(picture.objects), to: "\(root)/SegmentationObject/\(name).png")
        let xml = annotation(picture, name: name, classNames: classNames)
        try Datasets.write(Array(xml.utf8), to: "\(root)/Annotations/\(name).xml")
    }

    private static func annotation(
        _ picture: SyntheticPicture, name: String, classNames: [String]
    ) -> String {
        let size = picture.image.size
        let objects = picture.boxes.map { box in
            """
            \t<object>
            \t\t<name>\(classNames[box.classIndex])</name>
            \t\t<difficult>0</difficult>
            \t\t<bndbox><xmin>\(Int(box.left) + 1)</xmin><ymin>\(Int(box.top) + 1)</ymin>\
            <xmax>\(Int(box.right))</xmax><ymax>\(Int(box.bottom))</ymax></bndbox>
            \t</object>

            """
        }
        return """
            <annotation>
            \t<filename>\(name).jpg</filename>
            \t<size><width>\(size.width)</width><height>\(size.height)</height>\
            <depth>3</depth></size>
            \t<segmented>1</segmented>
            \(objects.joined())</annotation>

            """
    }

    private static func validate(_ options: SynthesisOptions) throws {
        let limit = SynthesisOptions.firstValidationNumber
        let problem: String? =
            if !(1...largestClassCount).contains(options.classCount) {
                "\(options.classCount) classes; there are 1 to \(largestClassCount)"
            } else if !(1..<limit).contains(options.trainingCount)
                || !(1..<limit).contains(options.validationCount)
            {
                "\(options.trainingCount) and \(options.validationCount) images; "
                    + "each is 1 to \(limit - 1)"
            } else if !(32...2048).contains(options.size.height)
                || !(32...2048).contains(options.size.width)
            {
                "\(options.size) pixels; each side has 32 to 2048"
            } else {
                nil
            }
        if let problem {
            throw DatasetError(
                .selection, "dataset synthesize", problem, remedy: "Choose within these bounds")
        }
    }

    private static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DatasetError(
                .unwritableFile, path, "the folder cannot be made (\(error.localizedDescription))",
                remedy: "Check that the folder above it may be written")
        }
    }
}

extension SynthesisOptions {
    /// Validation scenes are numbered from here, so that more training images change none.
    static let firstValidationNumber = 10_000
}
