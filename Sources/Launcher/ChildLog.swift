import Foundation

/// The log file of a child; all its starts write to it.
struct ChildLog {
    private let name: ChildName
    let file: URL

    init(_ name: ChildName, run: URL) {
        self.name = name
        file = run.appendingPathComponent("logs/\(name).log")
    }

    /// Adds the line that parts this start's output from what is there.
    func begin(start number: Int) throws {
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let time = Date().formatted(.iso8601)
        try append("=== \(name), start \(number), \(time) ===\n")
    }

    /// Adds a line of the launcher's own.
    func append(_ text: String) throws {
        if !FileManager.default.fileExists(atPath: file.path) { try Data().write(to: file) }
        let handle = try FileHandle(forWritingTo: file)
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
    }

    /// For the report of a failure.
    func lastLines(_ count: Int) -> [String] {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").suffix(count).map(String.init)
    }
}
