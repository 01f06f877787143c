import Foundation

/// A directory that is deleted with the value.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "emend-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// All files below, with their bytes.
    var files: [String: Data] {
        var files: [String: Data] = [:]
        for name in FileManager.default.enumerator(atPath: path) ?? .init() {
            guard let name = name as? String else { continue }
            files[name] = FileManager.default.contents(atPath: path + "/" + name)
        }
        return files
    }
}
