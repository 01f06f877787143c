import Foundation
import Testing

extension EndToEnd {
    @Suite("The method is PyTorch's, through coordinator, server and worker")
    struct Replay {
        private static let peer = Programs.package.deletingLastPathComponent()
            .appending(path: "shared/peers/selfcorrect_torch.py").path

        /// Whether `../shared` is there and EMEND_PYTHON (else python3) has torch.
        private static let isPossible: Bool = {
            guard longTestsAreWanted, FileManager.default.fileExists(atPath: peer) else {
                return false
            }
            let python = ProcessInfo.processInfo.environment["EMEND_PYTHON"] ?? "python3"
            let ended = try? RunningProgram(
                URL(fileURLWithPath: "/usr/bin/env"), [python, "-c", "import torch, safetensors"]
            ).end()
            return ended?.code == 0
        }()

        @Test(
            "Five recorded steps of every method end where PyTorch's do",
            .enabled(
                if: isPossible,
                "needs EMEND_TEST_LONG=1, ../shared/peers and an EMEND_PYTHON with torch"))
        func recordings() throws {
            let folder = try ScratchFolder()
            let script = Programs.package.appending(path: "Tests/EndToEndTests/replay.sh").path
            let ended = try RunningProgram(
                URL(fileURLWithPath: "/bin/sh"), [script, Self.peer, folder.path("table.md")]
            ).end(withinSeconds: 1800)
            #expect(ended.code == 0, "\(ended)")
            let table = try String(contentsOfFile: folder.path("table.md"), encoding: .utf8)
            #expect(table.split(separator: "\n").filter { $0.contains(" | 5 | ") }.count == 8)
        }
    }
}
