import Foundation
import Testing

extension EndToEnd {
    @Suite("Commands on a finished run")
    struct Commands {
        private func object(_ line: String) throws -> [String: Any] {
            try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }

        private func emend(_ arguments: String...) throws -> EndedProgram {
            let ended = try Programs.emend(arguments)
            try #require(ended.code == 0, "\(arguments): \(ended)")
            return ended
        }

        @Test("train --json ends with every key of a result")
        func resultKeys() throws {
            let line = try SyntheticData.lines(of: FinishedRun.path() + "/result.json")[0]
            let result = try object(line)
            for key in [
                "method", "steps", "seed", "parameters_sha256", "optimizer_sha256", "mean_iou",
                "mean_iou_present", "class_iou", "ancillary_mean_iou", "images_per_s", "run",
            ] {
                #expect(result[key] != nil, "\(key) in \(line)")
            }
            #expect(result["method"] as? String == "linear")
            #expect(result["run"] as? String == (try FinishedRun.path()))
            let classes = try #require(result["class_iou"] as? [String: Any])
            #expect(classes.count == SyntheticData.classCount)
        }

        @Test("Where no ancillary model was trained its score is null")
        func nullScores() throws {
            let folder = try ScratchFolder()
            let ended = try TinyRun(method: "supervised", slots: 1)
                .attempt(data: SyntheticData.shared().root, run: folder.path("run"))
            #expect(ended.code == 0, "\(ended)")
            let result = try object(ended.lastLine)
            #expect(result["ancillary_mean_iou"] is NSNull, "\(ended)")
            #expect(result["mean_iou"] is NSNumber)
        }

        @Test("metrics.jsonl holds every step")
        func metrics() throws {
            let steps = try StepLine.all(ofRun: FinishedRun.path())
            #expect(steps.map(\.step) == Array(0..<FinishedRun.steps))
            #expect(
                steps.map(\.phase)
                    == [String](repeating: "ancillary", count: 3)
                    + [String](repeating: "main", count: 4))
            #expect(steps.allSatisfy { $0.images == 6 })
            #expect(steps.allSatisfy { $0.losses["total"].map { $0 > 0 && $0.isFinite } ?? false })
        }

        @Test("The newest checkpoints and the best are kept, and say so")
        func checkpoints() throws {
            let run = try FinishedRun.path()
            let lines = try emend("checkpoint", "verify", run, "--json").output
                .split(separator: "\n")
                .map { try JSONDecoder().decode(CheckpointLine.self, from: Data($0.utf8)) }
            let result = try FinishedRun.result()
            #expect(lines.last?.step == FinishedRun.steps)
            #expect(lines.last?.parametersSHA256 == result.parametersSHA256)
            #expect(lines.last?.optimizerSHA256 == result.optimizerSHA256)
            #expect(lines.allSatisfy { $0.verified == true && $0.files == 2 && $0.byteCount > 0 })
            // Steps 4, 6 and 7 are of the phase `main`; two are kept, and the best one.
            let best = try #require(lines.filter(\.best).first)
            #expect(lines.filter(\.best).count == 1 && [4, 6, 7].contains(best.step))
            #expect(Set(lines.map(\.step)) == [6, 7, best.step])
            let text = try emend("checkpoint", "list", run)
            #expect(text.output.split(separator: "\n").count == lines.count)
            #expect(text.output.contains("  best"))
        }

        @Test("The best checkpoint is the one that evaluate finds best")
        func bestCheckpoint() throws {
            let run = try FinishedRun.path()
            let data = try SyntheticData.shared().root
            let best = try object(
                emend("evaluate", run, "--data", data, "--json", "--checkpoint", "best").lastLine)
            let newest = try object(emend("evaluate", run, "--data", data, "--json").lastLine)
            let scores = try [best, newest].map { try #require($0["mean_iou"] as? Double) }
            #expect(scores[0] >= scores[1])
            #expect(scores[1] == (try FinishedRun.result()).meanIoU)
            #expect(newest["step"] as? Int == FinishedRun.steps)
        }

        @Test("evaluate judges the validation list, at any scale, stride and flip")
        func evaluate() throws {
            let run = try FinishedRun.path()
            let data = try SyntheticData.shared().root
            for options in [
                [], ["--scales", "0.5", "1", "--flip", "--output-stride", "8"],
                ["--ancillary"],
            ] {
                let ended = try Programs.emend(
                    ["evaluate", run, "--data", data, "--json"] + options)
                try #require(ended.code == 0, "\(ended)")
                let line = try object(ended.lastLine)
                #expect(line["images"] as? Int == SyntheticData.validationCount)
                for key in ["mean_iou", "mean_iou_present", "class_iou"] {
                    #expect(line[key] != nil, "\(key) in \(ended)")
                }
            }
            let table = try emend("evaluate", run, "--data", data)
            #expect(table.output.contains("mean (present)") && table.output.contains("background"))
            let other = try object(
                emend("evaluate", run, "--data", data, "--json", "--list", "train").lastLine)
            #expect(other["images"] as? Int == SyntheticData.trainingCount)
        }

        @Test("predict writes a palette PNG and an overlay of the image's size")
        func predict() throws {
            let folder = try ScratchFolder()
            let data = try SyntheticData.shared()
            let ended = try emend(
                "predict", try FinishedRun.path(), data.image("val_0000"), data.image("val_0001"),
                "--output", folder.path("out"), "--json")
            let lines = try ended.output.split(separator: "\n").map { try object(String($0)) }
            #expect(lines.count == 2)
            for (line, name) in zip(lines, ["val_0000", "val_0001"]) {
                #expect(line["image"] as? String == data.image(name))
                #expect(line["labels"] as? String == folder.path("out/\(name).png"))
                let shares = try #require(line["shares"] as? [String: Double])
                #expect(abs(shares.values.reduce(0, +) - 1) < 1e-9)
                for (file, colourType) in [("\(name).png", 3), ("\(name)-overlay.png", 2)] {
                    let png = try Data(contentsOf: URL(fileURLWithPath: folder.path("out/" + file)))
                    #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
                    #expect(Array(png[16..<24]) == [0, 0, 0, 96, 0, 0, 0, 96])
                    #expect(png[25] == UInt8(colourType), "\(file)")
                }
            }
        }

        @Test("config show tells every value and where it comes from")
        func configuration() throws {
            let folder = try ScratchFolder()
            try folder.write("slots:\n  count: 7\n", to: "c.yaml")
            let file = folder.path("c.yaml")
            let text = try emend("config", "show", "--config", file, "method=none").output
            #expect(text.contains("method: \"none\"") && text.contains("# command line"))
            #expect(text.contains("count: 7") && text.contains("c.yaml"))
            let json = try object(
                emend("config", "show", "--config", file, "--json", "method=none").lastLine)
            #expect((json["sha256"] as? String)?.count == 64)
            let values = try #require(json["values"] as? [String: [String: Any]])
            #expect(values["slots.count"]?["value"] as? Int == 7)
            #expect(values["method"]?["origin"] as? String == "command line")
            #expect(values["seed"]?["origin"] as? String == "default")
        }

        @Test("dataset check counts images, masks, boxes and pixels")
        func datasetCheck() throws {
            let data = try SyntheticData.shared().root
            let ended = try emend(
                "dataset", "check", "--data", data, "--json", "data.supervised=10")
            let report = try object(ended.lastLine)
            func count(_ split: String, _ key: String) -> Int? {
                (report[split] as? [String: Any])?[key] as? Int
            }
            #expect(
                count("labelled", "images") == 10 && count("labelled", "images_with_mask") == 10)
            #expect(count("weak", "images") == SyntheticData.trainingCount - 10)
            #expect(count("weak", "images_with_mask") == 0)
            #expect(count("validation", "images") == SyntheticData.validationCount)
            #expect((report["classes"] as? [Any])?.count == SyntheticData.classCount)
            #expect((report["errors"] as? [Any])?.isEmpty == true)
            let pixels = try #require(report["classes"] as? [[String: Any]]).reduce(0) {
                $0 + ($1["validation_pixels"] as? Int ?? 0)
            }
            #expect(pixels <= SyntheticData.validationCount * 96 * 96 && pixels > 4 * 96 * 90)
            #expect(try emend("dataset", "check", "--data", data).output.contains("0 errors"))
        }

        @Test(
            "A command line that makes no sense ends with 64",
            arguments: [
                ["train", "--workers", "0"], ["trian"], ["evaluate"],
                ["evaluate", "run", "--output-stride", "7"],
            ])
        func usage(arguments: [String]) throws {
            let ended = try Programs.emend(arguments)
            #expect(ended.code == 64 && ended.output == "" && ended.errors != "", "\(ended)")
        }
    }
}
