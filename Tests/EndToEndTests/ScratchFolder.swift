import Foundation

/// A folder of its own, removed with its last reference.
final class ScratchFolder: Sendable {
    let root: String

    init() throws {
        root = NSTemporaryDirectory() + "emend-end-to-end-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    deinit { remove() }

    func remove() { try? FileManager.default.removeItem(atPath: root) }

    func path(_ name: String) -> String { root + "/" + name }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
    }
}
