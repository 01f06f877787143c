import Foundation
import Telemetry
import Testing

@Suite struct MetricsFileTests {
    private let path = NSTemporaryDirectory() + "emend-metrics-\(UUID().uuidString).jsonl"

    private func contents() throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test func `Each step is one line, also across processes that append`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try MetricsFile(path: path)
        try first.append([.init("step", .integer(0)), .init("loss", .number(0.5))])
        let second = try MetricsFile(path: path)
        try second.append([.init("step", .integer(1)), .init("loss", .number(.nan))])
        try first.append([.init("step", .integer(2)), .init("name", .string("a\n\"b\""))])
        #expect(
            try contents() == """
                {"step":0,"loss":0.5}
                {"step":1,"loss":null}
                {"step":2,"name":"a\\n\\"b\\""}

                """)
    }

    @Test func `A line cut short by a crash is removed`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("{\"step\":0}\n{\"step\":1,\"lo".utf8).write(to: URL(filePath: path))
        let file = try MetricsFile(path: path)
        try file.append([.init("step", .integer(1))])
        #expect(try contents() == "{\"step\":0}\n{\"step\":1}\n")
    }

    @Test func `A resumed run drops the lines of steps that are done again`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let lines = ["{\"step\":0}", "{\"event\":\"x\"}", "{\"step\":1}", "{\"step\":2}"]
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: path))
        _ = try MetricsFile(path: path, resumeStep: 1)
        #expect(try contents() == "{\"step\":0}\n{\"event\":\"x\"}\n")
    }

    @Test func `A file that cannot be opened is named`() throws {
        let error = try #require(throws: MetricsError.self) {
            try MetricsFile(path: "/nonexistent/metrics.jsonl")
        }
        #expect(error.description.contains("/nonexistent/metrics.jsonl: cannot be opened"))
        #expect(error.systemError == ENOENT)
    }

    // Skipped where the device is absent: every write to it reports a full disk.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func `A full disk is an error, not a lost line`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: path, withDestinationPath: "/dev/full")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try MetricsFile(path: path)
        let error = try #require(throws: MetricsError.self) {
            try file.append([.init("step", .integer(1))])
        }
        #expect(error.systemError == ENOSPC)
        #expect(error.file == path)
    }
}
