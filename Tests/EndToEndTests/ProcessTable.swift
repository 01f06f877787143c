import Foundation

/// The processes of this machine, as /proc tells them.
enum ProcessTable {
    struct Entry {
        let processIdentifier: Int32
        let program: String
    }

    /// Living processes with `text` among their arguments; those that only wait to be reaped are dead.
    static func entries(mentioning text: String) throws -> [Entry] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init)
            .compactMap { id in
                let line = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
                let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                guard words.dropFirst().contains(where: { $0.contains(text) }) else { return nil }
                return Entry(
                    processIdentifier: id, program: (words[0] as NSString).lastPathComponent)
            }
    }
}
