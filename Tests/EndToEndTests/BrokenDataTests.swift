import Foundation
import Testing

extension EndToEnd {
    /// Each fault is told by `emend train` before a process starts, with file, cause and remedy.
    @Suite("Broken data is refused with a sentence and an exit code")
    struct BrokenData {
        /// Trains on damaged data, which must be refused, and leaves no run behind.
        private func refusal(_ data: SyntheticData) throws -> EndedProgram {
            let folder = try ScratchFolder()
            let ended = try TinyRun().attempt(data: data.root, run: folder.path("run"))
            #expect(ended.output == "", "nothing may claim success")
            #expect(!FileManager.default.fileExists(atPath: folder.path("run/run.json")))
            return ended
        }

        private func expect(_ ended: EndedProgram, code: Int32, _ parts: String...) {
            #expect(ended.code == code, "\(ended)")
            for part in parts { #expect(ended.errors.contains(part), "\(part) in \(ended)") }
        }

        @Test("A missing folder")
        func missingFolder() throws {
            let folder = try ScratchFolder()
            let ended = try TinyRun().attempt(
                data: folder.path("nowhere"), run: folder.path("run"))
            expect(ended, code: 66, folder.path("nowhere"), "does not exist", "--data")
        }

        @Test("An empty split")
        func emptySplit() throws {
            let data = try SyntheticData.copy()
            try Data().write(to: URL(fileURLWithPath: data.list("train")))
            expect(try refusal(data), code: 65, data.list("train"), "names no image")
        }

        @Test("A missing image")
        func missingImage() throws {
            let data = try SyntheticData.copy()
            let name = try data.names("train")[3]
            try FileManager.default.removeItem(atPath: data.image(name))
            expect(try refusal(data), code: 66, data.image(name), "does not exist", "lists")
        }

        @Test("A truncated JPEG, cut within its header or its last rows", arguments: [0.9, 0.02])
        func truncatedJPEG(share: Double) throws {
            let data = try SyntheticData.copy()
            let name = try data.names("train")[3]
            let size = try Data(contentsOf: URL(fileURLWithPath: data.image(name))).count
            try data.truncate(data.image(name), by: Int(share * Double(size)))
            expect(
                try refusal(data), code: 65, data.image(name), "not a whole JPEG",
                "Restore the file")
        }

        @Test("A truncated PNG")
        func truncatedPNG() throws {
            let data = try SyntheticData.copy()
            let name = try data.names("val")[1]
            try data.truncate(data.mask(name), by: 30)
            expect(
                try refusal(data), code: 65, data.mask(name), "not a whole PNG",
                "Restore the file")
        }

        @Test("A mask with a value outside the classes")
        func valueOutsideClasses() throws {
            let data = try SyntheticData.copy()
            let name = try data.names("val")[1]
            let side = SyntheticData.side
            let png = IndexedPNG.encode(width: side, height: side) { x, y in
                (x, y) == (5, 7) ? UInt8(SyntheticData.classCount) : 0
            }
            try png.write(to: URL(fileURLWithPath: data.mask(name)))
            expect(
                try refusal(data), code: 65, data.mask(name), "outside the 4 classes",
                "4 at column 5, row 7", "255")
        }

        @Test("A mask of another size than its image")
        func sizesDiffer() throws {
            let data = try SyntheticData.copy()
            let name = try data.names("val")[1]
            let png = IndexedPNG.encode(width: 96, height: 95) { _, _ in 0 }
            try png.write(to: URL(fileURLWithPath: data.mask(name)))
            expect(try refusal(data), code: 65, data.mask(name), "96×95", "96×96")
        }

        @Test("Malformed XML")
        func malformedXML() throws {
            let data = try SyntheticData.copy()
            let file = data.annotation(try data.names("train")[3])
            try data.replace("</object>", with: "", in: file)
            expect(try refusal(data), code: 65, file, "not well-formed XML", "bndbox")
        }

        @Test("A box wholly outside its image")
        func boxOutside() throws {
            let data = try SyntheticData.copy()
            let file = data.annotation(try data.names("train")[3])
            try data.replace("<xmin>[0-9]*", with: "<xmin>500", in: file)
            try data.replace("<xmax>[0-9]*", with: "<xmax>600", in: file)
            expect(try refusal(data), code: 65, file, "object 1", "wholly outside the 96×96")
        }

        @Test("A box partly outside is clipped, with a warning")
        func boxPartlyOutside() throws {
            let data = try SyntheticData.copy()
            let folder = try ScratchFolder()
            let file = data.annotation(try data.names("train")[3])
            try data.replace("<xmax>[0-9]*", with: "<xmax>600", in: file)
            let wide = try TinyRun().attempt(data: data.root, run: folder.path("wide"))
            expect(wide, code: 0, "warning: ", file, "clipped")
            try data.replace("<xmax>[0-9]*", with: "<xmax>96", in: file)
            let clipped = try TinyRun().attempt(data: data.root, run: folder.path("clipped"))
            #expect(!clipped.errors.contains("clipped"))
            let hashes = try [wide, clipped].map { try RunResult(line: $0.lastLine).bits }
            #expect(hashes[0] == hashes[1])
        }

        @Test("A coordinate that is no number of pixels", arguments: ["nan", "1e300", "-inf"])
        func coordinate(text: String) throws {
            let data = try SyntheticData.copy()
            let file = data.annotation(try data.names("train")[3])
            try data.replace("<ymin>[0-9]*", with: "<ymin>\(text)", in: file)
            expect(try refusal(data), code: 65, file, "object 1: the top edge of the box is")
        }

        @Test("A box of an unknown class")
        func unknownClass() throws {
            let data = try SyntheticData.copy()
            let file = data.annotation(try data.names("train")[3])
            try data.replace("<name>[a-z]*", with: "<name>dragon", in: file)
            expect(
                try refusal(data), code: 65, file, "unknown class `dragon`", "labels.txt")
        }

        @Test("dataset check reports the same faults, all of them, and exits 65")
        func check() throws {
            let data = try SyntheticData.copy()
            let names = try data.names("train")
            try data.replace(
                "<name>[a-z]*", with: "<name>dragon", in: data.annotation(names[3]))
            try data.truncate(data.image(names[5]), by: 300)
            let ended = try Programs.emend([
                "dataset", "check", "--data", data.root, "--json", "data.supervised=10",
            ])
            #expect(ended.code == 65, "\(ended)")
            let report = try #require(
                JSONSerialization.jsonObject(with: Data(ended.lastLine.utf8)) as? [String: Any])
            let errors = try #require(report["errors"] as? [Any])
            #expect(errors.count == 2, "\(ended)")
            #expect(ended.output.contains("dragon") && ended.output.contains(names[5]))
        }

        @Test("The mask of a weak image is never opened")
        func weakMasks() throws {
            let folder = try ScratchFolder()
            let data = try SyntheticData.copy()
            let whole = try TinyRun().result(
                data: SyntheticData.shared().root, run: folder.path("whole"))
            let weak = try SyntheticData.lines(of: folder.path("whole/lists/weak.txt"))
            #expect(weak.count == SyntheticData.trainingCount - 10)
            for name in weak { try FileManager.default.removeItem(atPath: data.mask(name)) }
            try? FileManager.default.removeItem(atPath: data.root + "/SegmentationObject")
            let without = try TinyRun().result(data: data.root, run: folder.path("without"))
            #expect(without.bits == whole.bits)
        }
    }
}
