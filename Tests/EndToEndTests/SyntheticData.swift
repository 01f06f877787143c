import Foundation

/// A small data set in Pascal VOC layout, made once by `emend dataset synthesize`; tests that damage
/// it work on copies.
struct SyntheticData {
    static let trainingCount = 24
    static let validationCount = 4
    static let side = 96
    /// Background, then the three classes of the set.
    static let classCount = 4

    private static let base: Result<ScratchFolder, any Error> = Result {
        let folder = try ScratchFolder()
        // A static value never loses its last reference: the folder goes with the process.
        atexit { if case .success(let folder) = SyntheticData.base { folder.remove() } }
        let made = try Programs.emend([
            "dataset", "synthesize", "--output", folder.path("data"),
            "--training", "\(trainingCount)", "--validation", "\(validationCount)",
            "--size", "\(side)", "--classes", "\(classCount - 1)", "--seed", "1",
        ])
        guard made.code == 0 else { throw RunningProgram.Overdue(description: "\(made)") }
        return folder
    }

    let root: String
    private let folder: ScratchFolder

    /// The set as made, which nobody may change.
    static func shared() throws -> SyntheticData {
        let folder = try base.get()
        return SyntheticData(root: folder.path("data"), folder: folder)
    }

    /// A copy to damage.
    static func copy() throws -> SyntheticData {
        let folder = try ScratchFolder()
        try FileManager.default.copyItem(
            atPath: shared().root, toPath: folder.path("data"))
        return SyntheticData(root: folder.path("data"), folder: folder)
    }

    func image(_ name: String) -> String { "\(root)/JPEGImages/\(name).jpg" }
    func mask(_ name: String) -> String { "\(root)/SegmentationClass/\(name).png" }
    func annotation(_ name: String) -> String { "\(root)/Annotations/\(name).xml" }
    func list(_ name: String) -> String { "\(root)/ImageSets/Segmentation/\(name).txt" }

    /// The names of a list's images.
    func names(_ list: String) throws -> [String] { try Self.lines(of: self.list(list)) }

    static func lines(of file: String) throws -> [String] {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    /// Cuts `count` bytes off the end of a file.
    func truncate(_ file: String, by count: Int) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        try data.dropLast(count).write(to: URL(fileURLWithPath: file))
    }

    /// Replaces the first occurrence of a regular expression in a file.
    func replace(_ pattern: String, with text: String, in file: String) throws {
        let old = try String(contentsOfFile: file, encoding: .utf8)
        guard let range = old.range(of: pattern, options: .regularExpression) else {
            throw RunningProgram.Overdue(description: "\(file) has no \(pattern)")
        }
        try old.replacingCharacters(in: range, with: text).write(
            toFile: file, atomically: false, encoding: .utf8)
    }
}
