import Foundation

/// Places outside the package that tests look into, and skip where they are absent.
enum Places {
    static let package = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// `../shared` beside the package: data and weights to measure with.
    static let shared = package.deletingLastPathComponent().appending(path: "shared")

    /// Recordings of the PyTorch peer, made by `Tests/EndToEndTests/record-trajectories.sh`.
    static let trajectories =
        ProcessInfo.processInfo.environment["EMEND_TRAJECTORIES"].map { URL(filePath: $0) }
        ?? package.appending(path: ".build/trajectories")

    static func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

    /// A fresh folder for one test, removed by ``remove(_:)``.
    static func temporaryFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "emend-training-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    static func remove(_ folder: URL) { try? FileManager.default.removeItem(at: folder) }
}
