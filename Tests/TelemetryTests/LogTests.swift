import Foundation
import Logging
import Telemetry
import Testing

@Suite struct LogTests {
    private struct Failure: Error, CustomStringConvertible {
        let description = "disk\non fire"
    }

    private let captured = CapturedOutput()

    private func logger(_ format: LogFormat, runID: String? = "r1") -> Logger {
        let identity = LogIdentity(role: "worker", id: "2", host: "node", runID: runID)
        let output = TerminalOutput(descriptor: captured.writeEnd)
        return Logger(label: "emend") { _ in
            StandardErrorLogHandler(format, identity: identity, output: output)
        }
    }

    @Test func `A JSON line holds every field, whatever the message`() throws {
        var logger = logger(.json)
        logger[metadataKey: "phase"] = "main"
        logger.warning(
            "said \"no\"\n\u{1B}[31m", error: Failure(),
            metadata: ["step": .stringConvertible(7), "event": "refused", "level": "mine"])
        let text = captured.take()
        #expect(text.filter { $0 == "\n" }.count == 1 && text.hasSuffix("\n"))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["level"] as? String == "warning")
        #expect(object["msg"] as? String == "said \"no\"\n\u{1B}[31m")
        #expect(object["error"] as? String == "disk\non fire")
        #expect(object["role"] as? String == "worker" && object["id"] as? String == "2")
        #expect(object["host"] as? String == "node" && object["run_id"] as? String == "r1")
        #expect(object["step"] as? Int == 7 && object["phase"] as? String == "main")
        #expect(object["event"] as? String == "refused")
        #expect(object["metadata_level"] as? String == "mine")
        let time = try #require(object["ts"] as? String)
        #expect(time.count == 24 && time.hasSuffix("Z"))
    }

    @Test func `A human line is one line without terminal sequences`() {
        logger(.human).error("bad\r\n\u{1B}[2Jpeer", metadata: ["b": "2", "a": "1"])
        let text = captured.take()
        #expect(
            text.hasSuffix("error worker 2: bad\\r\\n\\u{1B}[2Jpeer a=\"1\" b=\"2\"\n"), "\(text)")
        #expect(text.filter { $0 == "\n" }.count == 1)
    }

    @Test func `Messages below the level are not written`() {
        logger(.human).debug("quiet")
        #expect(captured.take() == "")
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_400_007, "2000-02-29T00:00:00.007Z"),
        (1_795_449_912_123, "2026-11-23T16:05:12.123Z"),
    ])
    func `Times are RFC 3339 in UTC`(milliseconds: Int, text: String) {
        #expect(WallClock(milliseconds: milliseconds).text == text)
    }

    @Test func `A log line does not tear the status line`() {
        let output = TerminalOutput(descriptor: captured.writeEnd)
        output.show(status: "step 1")
        output.write(line: "hello")
        output.show(status: "step 2")
        output.finishStatus()
        output.finishStatus()
        output.write(line: "end")
        let clear = "\r\u{1B}[K"
        #expect(
            captured.take()
                == "\(clear)step 1\(clear)hello\nstep 1\(clear)step 2\nend\n")
        #expect(!output.isTerminal && output.width == nil)
    }
}
