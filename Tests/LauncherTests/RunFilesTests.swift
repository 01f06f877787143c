import Foundation
import Launcher
import Testing

@Suite struct RunFilesTests {
    @Test(
        "The facts that a launcher follows are read from the journal",
        arguments: [
            (
                #"{"entry":{"fact":"workers_wanted","workers":3},"crc32":"00000000"}"#,
                .workersWanted(3)
            ),
            (#"{"entry":{"fact":"finished","outcome":1},"crc32":"00000000"}"#, .completed),
            (#"{"entry":{"fact":"finished","outcome":2},"crc32":"00000000"}"#, .stopped),
            (#"{"entry":{"fact":"finished","outcome":3},"crc32":"00000000"}"#, nil),
            (#"{"entry":{"fact":"workers_wanted","workers":0},"crc32":"00000000"}"#, nil),
            (#"{"entry":{"fact":"numerics_class","class":"portable-1"},"crc32":"00000000"}"#, nil),
            (#"{"fact":"workers_wan"#, nil),
        ] as [(String, JournalFact?)])
    func facts(line: String, fact: JournalFact?) {
        #expect(JournalFact(line: Data(line.utf8)) == fact)
    }

    @Test("The coordinator's log tells who has joined")
    func joined() throws {
        let line = "2026-01-01T00:00:00Z info: worker 3 joined from node-7, process 4711"
        let member = try #require(RunFollower.member(line))
        #expect(member.host == "node-7" && member.process == 4711)
        for other in ["", "worker 3 has left as asked", "joined from x, process", "x, process 3"] {
            #expect(RunFollower.member(other) == nil)
        }
    }

    @Test("Followed lines come once and whole; a file that was cut is followed from the cut")
    func lines() throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("emend-lines-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        var follower = LineFollower(file: file)
        func news() -> [String] { follower.newLines().map { String(decoding: $0, as: UTF8.self) } }
        func write(_ text: String) throws { try Data(text.utf8).write(to: file, options: .atomic) }
        func append(_ text: String) throws {
            let handle = try FileHandle(forWritingTo: file)
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(text.utf8))
            try handle.close()
        }
        #expect(news() == [])
        try write("a\nb\nc")
        #expect(news() == ["a", "b"])
        try append("\nd\n")
        #expect(news() == ["c", "d"])
        #expect(news() == [])
        try write("a\nb\n")
        #expect(news() == [])
        try append("x\n")
        #expect(news() == ["x"])
        try write("a\ny\nd\nz\n")
        #expect(news() == ["y", "d", "z"])
    }

    @Test("A coordinator that had an address takes it again, and continues what has begun")
    func coordinatorArguments() throws {
        let run = FileManager.default.temporaryDirectory
            .appendingPathComponent("emend-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: run) }
        let layout = ClusterLayout(
            programs: run, run: run, data: run, servers: 2, workers: 3, threadsPerWorker: 1,
            threadsPerServer: 1, restart: .auto)
        let first = layout.arguments(of: .coordinator, endpoint: nil)
        #expect(first.contains("tcp://127.0.0.1:0") && !first.contains("--resume"))
        try Data("{}".utf8).write(to: run.appendingPathComponent("run.json"))
        let next = layout.arguments(of: .coordinator, endpoint: "tcp://127.0.0.1:4242")
        #expect(next.contains("tcp://127.0.0.1:4242") && next.contains("--resume"))
        let server = layout.arguments(of: .server(1), endpoint: "tcp://127.0.0.1:4242")
        #expect(!server.contains("--data") && server.contains("tcp://127.0.0.1:0"))
        #expect(
            layout.arguments(of: .worker(0), endpoint: "tcp://127.0.0.1:4242").contains("--data"))
    }
}
