import Foundation

/// The files of a Pascal VOC layout, by the names of images.
struct VOCFolder: Sendable {
    let root: String

    static let listFolder = "ImageSets/Segmentation"

    /// Throws `DatasetError` where the folder is absent or has not the layout.
    init(root: String) throws {
        self.root = root
        for folder in ["", "JPEGImages"] where !VOCFolder.isFolder("\(root)/\(folder)") {
            throw DatasetError(
                .missingFolder, folder.isEmpty ? root : "\(root)/\(folder)",
                "the folder does not exist",
                remedy: "Give the folder of a Pascal VOC layout (JPEGImages, SegmentationClass, "
                    + "Annotations, ImageSets/Segmentation) with --data, or write a synthetic one "
                    + "with `emend dataset synthesize`")
        }
    }

    func imageName(_ name: String) -> String { "JPEGImages/\(name).jpg" }
    func maskName(_ name: String) -> String { "SegmentationClass/\(name).png" }
    func instancesName(_ name: String) -> String { "SegmentationObject/\(name).png" }
    func annotationName(_ name: String) -> String { "Annotations/\(name).xml" }

    func path(_ file: String) -> String { file.hasPrefix("/") ? file : "\(root)/\(file)" }
    func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: path(file)) }
    func read(_ file: String) throws -> FileBytes { try FileBytes(path: path(file)) }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }

    /// The names in `labels.txt`, else those of Pascal VOC.
    func classNames() throws -> [String] {
        guard exists("labels.txt") else { return ClassNames.pascalVOC }
        return try ClassNames.parse(read("labels.txt").text, path: path("labels.txt"))
    }

    /// The image names of a list: the first word of each line.
    ///
    /// A list is given by its name in `ImageSets/Segmentation` or as the path of a file.
    ///
    /// Throws `DatasetError` for an empty list, a name given twice or one that leads out of the
    /// root.
    func list(_ list: String) throws -> [String] {
        let isFile = list.contains("/") || list.hasSuffix(".txt")
        let path = isFile ? list : path("\(VOCFolder.listFolder)/\(list).txt")
        guard FileManager.default.fileExists(atPath: path) else {
            throw DatasetError(
                .missingFile, path, "the list does not exist",
                remedy: isFile
                    ? "Check the path" : "Lists here: \(knownLists().joined(separator: ", "))")
        }
        var names: [String] = []
        var lineOfName: [String: Int] = [:]
        let text = try FileBytes(path: path).text
        for (index, line) in text.split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).enumerated() {
            guard let word = line.split(whereSeparator: \.isWhitespace).first else { continue }
            let name = String(word)
            let subject = "\(path):\(index + 1)"
            guard !name.hasPrefix("/"), !name.split(separator: "/").contains(".."),
                !name.contains("\0")
            else {
                throw DatasetError(
                    .unsafeName, subject, "`\(name)` leads out of the data set",
                    remedy: "Give names of images without folder and extension")
            }
            if let earlier = lineOfName.updateValue(index + 1, forKey: name) {
                throw DatasetError(
                    .duplicateName, subject, "`\(name)` is already on line \(earlier)",
                    remedy: "Name each image once")
            }
            names.append(name)
        }
        guard !names.isEmpty else {
            throw DatasetError(
                .emptyList, path, "the list names no image",
                remedy: "Write one image name per line, or choose another list")
        }
        return names
    }

    private func knownLists() -> [String] {
        let files =
            (try? FileManager.default.contentsOfDirectory(
                atPath: path(VOCFolder.listFolder))) ?? []
        return files.filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }.sorted()
    }
}
