import Datasets
import Foundation

/// A Pascal VOC layout of a few small images made by the test itself.
struct SmallDataset {
    let folder: TemporaryFolder
    let names: [String]
    static let size = PixelSize(height: 40, width: 48)

    var root: String { folder.path }

    /// `image00`… with one box of class 1 (`cat`) in a mask of that class; lists `train` (all but
    /// the last two) and `val` (the last two).
    init(count: Int = 8) throws {
        folder = try TemporaryFolder()
        names = (0..<count).map { "image" + String($0 + 100).dropFirst() }
        for sub in ["JPEGImages", "SegmentationClass", "Annotations", "ImageSets/Segmentation"] {
            try FileManager.default.createDirectory(
                atPath: "\(root)/\(sub)", withIntermediateDirectories: true)
        }
        try write("background\ncat\ndog\n", to: "labels.txt")
        try write(names.dropLast(2).joined(separator: "\n"), to: list("train"))
        try write(names.suffix(2).joined(separator: "\n"), to: list("val"))
        for (index, name) in names.enumerated() {
            try write(JPEG.encode(SmallDataset.picture(index), quality: 95), to: image(name))
            try write(PNG.encode(SmallDataset.labels()), to: mask(name))
            try write(SmallDataset.annotation(), to: annotation(name))
        }
    }

    func list(_ name: String) -> String { "ImageSets/Segmentation/\(name).txt" }
    func image(_ name: String) -> String { "JPEGImages/\(name).jpg" }
    func mask(_ name: String) -> String { "SegmentationClass/\(name).png" }
    func annotation(_ name: String) -> String { "Annotations/\(name).xml" }

    func write(_ bytes: [UInt8], to file: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(root)/\(file)"))
    }

    func write(_ text: String, to file: String) throws { try write(Array(text.utf8), to: file) }

    func read(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(root)/\(file)")))
    }

    func remove(_ file: String) throws {
        try FileManager.default.removeItem(atPath: "\(root)/\(file)")
    }

    var options: DatasetOptions { DatasetOptions(root: root, scales: [0.5, 1, 1.5]) }

    static func picture(_ index: Int) -> RGBImage {
        let pixels = (0..<size.count * 3).map { UInt8(truncatingIfNeeded: $0 / 3 * 2 + index * 31) }
        return RGBImage(size: size, pixels: pixels)
    }

    /// Class 1 in rows 8..<20 and columns 10..<30, void in the last row.
    static func labels() -> LabelMap {
        var labels = [UInt8](repeating: 0, count: size.count)
        for y in 8..<20 { for x in 10..<30 { labels[y * size.width + x] = 1 } }
        for x in 0..<size.width { labels[(size.height - 1) * size.width + x] = 255 }
        return LabelMap(size: size, labels: labels)
    }

    static func annotation(
        name: String = "cat", xmin: String = "11", ymin: String = "9", xmax: String = "30",
        ymax: String = "20"
    ) -> String {
        """
        <annotation><size><width>48</width><height>40</height><depth>3</depth></size>
        <object><name>\(name)</name><difficult>0</difficult>
        <bndbox><xmin>\(xmin)</xmin><ymin>\(ymin)</ymin><xmax>\(xmax)</xmax><ymax>\(ymax)</ymax>
        </bndbox></object></annotation>
        """
    }
}

/// The error that `body` throws, or nil.
func datasetError(_ body: () throws -> Void) -> DatasetError? {
    do {
        try body()
        return nil
    } catch {
        return error as? DatasetError
    }
}

extension BatchRequest {
    /// A request of a small crop, to be changed as a test needs.
    static func small(
        pool: SamplePool = .labelled, step: Int = 0, slot: Int = 0, slotCount: Int = 2,
        batch: Int = 2, labelled: Int = 2, crop: Int = 33
    ) -> BatchRequest {
        BatchRequest(
            pool: pool, phaseIndex: 0, stepInPhase: step, slot: slot, slotCount: slotCount,
            batch: batch, labelled: labelled, crop: PixelSize(height: crop, width: crop),
            boxes: .needed)
    }
}
