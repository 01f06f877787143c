import CLinux
import Foundation

/// What this process may use of the machine: processors by affinity and control group, memory by control group and load.
public enum HostResources {
    /// Threads that affinity and the control group's processor quota allow; at least 1.
    public static func threadsAllowed() -> Int {
        var allowed = affinityCount()
        if let quota = controlGroupProcessorQuota() {
            allowed = min(allowed, max(1, Int(quota.rounded(.down))))
        }
        return max(1, allowed)
    }

    /// Bytes that may still be taken: the kernel's estimate of available memory, or less where a control group says so.
    public static func memoryAvailableByteCount() -> Int? {
        let available = meminfoValue("MemAvailable")
        guard let limit = controlGroupMemoryHeadroom() else { return available }
        return min(limit, available ?? limit)
    }

    private static func affinityCount() -> Int {
        let count = Int(emend_linux_affinity_count())
        return count > 0 ? count : ProcessInfo.processInfo.activeProcessorCount
    }

    /// Version 2 control groups: `cpu.max` holds "quota period" or "max period", microseconds.
    private static func controlGroupProcessorQuota() -> Double? {
        guard let text = controlGroupFile("cpu.max") else { return nil }
        let words = text.split(separator: " ")
        guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]),
            period > 0
        else { return nil }
        return quota / period
    }

    /// Files read once and still cached count as used, and give way: a data set that was just read
    /// takes nothing from the run.
    private static func controlGroupMemoryHeadroom() -> Int? {
        guard let limitText = controlGroupFile("memory.max"), let limit = Int(limitText),
            let usedText = controlGroupFile("memory.current"), let used = Int(usedText)
        else { return nil }
        let statistics = controlGroupFile("memory.stat") ?? ""
        let cached = memoryStatistic("inactive_file", statistics) ?? 0
        return max(0, limit - max(0, used - cached))
    }

    /// The value of one line "name value" of `memory.stat`.
    private static func memoryStatistic(_ name: String, _ text: String) -> Int? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
        return line.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    private static func controlGroupFile(_ name: String) -> String? {
        guard let membership = try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)
        else { return nil }
        let path = membership.split(separator: "\n").first { $0.hasPrefix("0::") }
            .map { String($0.dropFirst(3)) }
        guard let path else { return nil }
        let file = "/sys/fs/cgroup\(path == "/" ? "" : path)/\(name)"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func meminfoValue(_ key: String) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else {
            return nil
        }
        for line in text.split(separator: "\n") where line.hasPrefix("\(key):") {
            let words = line.split(separator: " ")
            return words.count > 1 ? Int(words[1]).map { $0 * 1024 } : nil
        }
        return nil
    }
}
