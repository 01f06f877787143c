import Foundation

/// A folder of its own, removed with its last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "emend-datasets-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Files of the repository's neighbour `shared`, which not every checkout has.
enum SharedData {
    static let camVid: String = {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return package.deletingLastPathComponent().path + "/shared/data/camvid"
    }()

    static var isPresent: Bool { FileManager.default.fileExists(atPath: camVid + "/labels.txt") }
}
