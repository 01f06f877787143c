import Foundation

/// The most memory that each program of a run has had, in bytes: a high-water mark is kept by the
/// kernel, so it is enough to look now and then.
struct PeakMemory {
    private(set) var byteCounts: [String: Int] = [:]

    mutating func look(atRun run: String) throws {
        for process in try ProcessTable.entries(mentioning: run) {
            let path = "/proc/\(process.processIdentifier)/status"
            let status = FileManager.default.contents(atPath: path) ?? Data()
            let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first {
                $0.hasPrefix("VmHWM:")
            }
            let kibibytes = line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
            byteCounts[process.program] = max(
                byteCounts[process.program] ?? 0, kibibytes << 10)
        }
    }
}
