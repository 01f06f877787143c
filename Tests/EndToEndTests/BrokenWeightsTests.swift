import Foundation
import Testing

extension EndToEnd {
    @Suite("A broken file of weights is refused before training")
    struct BrokenWeights {
        /// Trains from the finished run's model after `change` to its header's entries.
        private func training(
            from change: (inout [String: Any]) throws -> Void
        ) throws -> EndedProgram {
            let folder = try ScratchFolder()
            var file = try SafetensorsText(path: FinishedRun.path() + "/model.safetensors")
            try change(&file.entries)
            try file.write(to: folder.path("weights.safetensors"))
            return try attempt(folder)
        }

        private func attempt(_ folder: ScratchFolder) throws -> EndedProgram {
            let path = folder.path("weights.safetensors")
            return try TinyRun(slots: 1, overrides: ["network.weights=\(path)"])
                .attempt(data: SyntheticData.shared().root, run: folder.path("run"))
        }

        private func expect(_ ended: EndedProgram, _ parts: String...) {
            #expect(ended.code == 65, "\(ended)")
            #expect(ended.output == "", "nothing may claim success")
            for part in ["weights.safetensors"] + parts {
                #expect(ended.errors.contains(part), "\(part) in \(ended)")
            }
        }

        private let tensor = "primary/features.0.0.weight"

        @Test("The file as it was is taken")
        func sound() throws {
            #expect(try training(from: { _ in }).code == 0)
        }

        @Test("A tensor is missing")
        func missingTensor() throws {
            let ended = try training { entries in
                entries["primary/elsewhere"] = entries.removeValue(forKey: tensor)
            }
            expect(ended, "features.0.0.weight", "holds neither")
        }

        @Test("Bytes that belong to no tensor")
        func hole() throws {
            expect(try training { $0[tensor] = nil }, "there is a hole")
        }

        @Test("A tensor has a wrong shape")
        func wrongShape() throws {
            let ended = try training { entries in
                var entry = try #require(entries[tensor] as? [String: Any])
                let shape = try #require(entry["shape"] as? [Int])
                entry["shape"] = Array(shape.reversed())
                entries[tensor] = entry
            }
            expect(ended, "features.0.0.weight", "shape")
        }

        @Test("The header lies about a tensor's place")
        func lyingOffsets() throws {
            let ended = try training { entries in
                var entry = try #require(entries[tensor] as? [String: Any])
                entry["data_offsets"] = [0, 1 << 50]
                entries[tensor] = entry
            }
            expect(ended, "features.0.0.weight")
        }

        @Test("The header lies about its own length", arguments: [UInt64.max, 1 << 40, 3])
        func lyingLength(length: UInt64) throws {
            let folder = try ScratchFolder()
            let whole = try Data(
                contentsOf: URL(fileURLWithPath: FinishedRun.path() + "/model.safetensors"))
            let head = withUnsafeBytes(of: length.littleEndian) { Data($0) }
            try (head + whole.dropFirst(8)).write(
                to: URL(fileURLWithPath: folder.path("weights.safetensors")))
            expect(try attempt(folder))
        }

        @Test("There is no such file")
        func missingFile() throws {
            let ended = try attempt(try ScratchFolder())
            #expect(ended.code == 66, "\(ended)")
            #expect(ended.errors.contains("weights.safetensors"))
        }
    }
}

/// A safetensors file whose header can be changed; knows nothing of our own reader.
struct SafetensorsText {
    var entries: [String: Any]
    private let values: Data

    init(path: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONSerialization.jsonObject(with: data.subdata(in: 8..<8 + length))
        entries = try #require(header as? [String: Any])
        values = data.subdata(in: 8 + length..<data.count)
    }

    func write(to path: String) throws {
        let header = try JSONSerialization.data(withJSONObject: entries)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
        try (length + header + values).write(to: URL(fileURLWithPath: path))
    }
}
