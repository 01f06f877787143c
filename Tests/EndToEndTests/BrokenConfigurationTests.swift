import Foundation
import Testing

extension EndToEnd {
    @Suite("A wrong configuration is refused with a sentence and exit code 78")
    struct BrokenConfiguration {
        private func refusal(_ overrides: String...) throws -> EndedProgram {
            let folder = try ScratchFolder()
            let ended = try TinyRun(overrides: overrides).attempt(
                data: SyntheticData.shared().root, run: folder.path("run"))
            #expect(ended.code == 78, "\(ended)")
            #expect(ended.output == "", "nothing may claim success")
            return ended
        }

        @Test("An unknown key, with a suggestion")
        func unknownKey() throws {
            let ended = try refusal("optimizer.learningRat=0.1")
            #expect(ended.errors.contains("unknown key optimizer.learningRat"))
            #expect(ended.errors.contains("did you mean optimizer.learningRate?"))
        }

        @Test("An unknown key in the file, with its place")
        func unknownKeyInFile() throws {
            let folder = try ScratchFolder()
            try folder.write("slots:\n  count: 3\n  bach: 2\n", to: "c.yaml")
            let ended = try Programs.emend([
                "train", "--config", folder.path("c.yaml"), "--data",
                SyntheticData.shared().root, "--run", folder.path("run"),
            ])
            #expect(ended.code == 78, "\(ended)")
            #expect(ended.errors.contains("c.yaml") && ended.errors.contains("slots.bach"))
            #expect(ended.errors.contains("slots.batch?"), "\(ended)")
        }

        @Test("A value of the wrong type")
        func wrongType() throws {
            let ended = try refusal("slots.count=many")
            #expect(ended.errors.contains("slots.count: expected an integer, found \"many\""))
        }

        @Test("A value out of range")
        func outOfRange() throws {
            let ended = try refusal("data.crop=64")
            #expect(ended.errors.contains("data.crop") && ended.errors.contains("65"))
        }

        @Test("A plan that does not fit into memory")
        func memory() throws {
            let ended = try refusal("data.crop=8193", "slots.batch=512", "slots.labelled=256")
            #expect(ended.errors.contains("the plan needs"))
            #expect(ended.errors.contains("lower slots.batch, data.crop or --workers"))
        }

        @Test("Chunks of one MiB are as good as any", arguments: [1, 16])
        func chunks(mebibytes: Int) throws {
            let usual = try TinyRun(slots: 1).result()
            let other = try TinyRun(
                slots: 1, overrides: ["protocol.chunkMebibytes=\(mebibytes)"]
            ).result()
            #expect(other.bits == usual.bits)
        }

        @Test("An address that other machines reach, unless --insecure is given")
        func exposedAddress() throws {
            let folder = try ScratchFolder()
            let arguments =
                [
                    "--run", folder.path("run"), "--data", try SyntheticData.shared().root,
                    "--bind", "0.0.0.0:0", "--config", folder.path("c.yaml"),
                ] + TinyRun().keys
            try folder.write("seed: 0\n", to: "c.yaml")
            let refused = try RunningProgram("emend-coordinator", arguments).end()
            #expect(refused.code == 78, "\(refused)")
            #expect(refused.errors.contains("0.0.0.0") && refused.errors.contains("--insecure"))
            let allowed = try RunningProgram("emend-coordinator", arguments + ["--insecure"])
            try eventually("the coordinator listens") {
                FileManager.default.fileExists(atPath: folder.path("run/coordinator.endpoint"))
            }
            allowed.signal(SIGTERM)
            #expect(try allowed.end().code == 143)
        }
    }
}
