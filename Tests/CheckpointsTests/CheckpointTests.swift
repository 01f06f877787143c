import Checkpoints
import Foundation
import Hashes
import Testing

@Suite struct CheckpointTests {
    @Test(arguments: [1, 2, 3, 5])
    func `Any number of servers writes what any reader finds`(servers: Int) throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path + "/run")
        let manifest = try run.writeCheckpoint(step: 7, servers: servers)
        let checkpoint = try run.directory.open(step: 7)
        #expect(checkpoint.manifest == manifest)
        #expect(manifest.shards.count == servers)
        #expect(checkpoint.scalars == ["primary.beta1Product": 0.1 * 7.0, "primary.updates": 3])
        for (index, tensor) in SampleRun.tensors.enumerated() {
            let slots: [PlaneName] =
                tensor.group == "primary" ? [.values, SampleRun.velocity] : [.values]
            #expect(checkpoint.planes(of: tensor) == slots)
            for plane in slots {
                let expected = (0..<tensor.elementCount).map {
                    SampleRun.value(index, plane, $0, step: 7)
                }
                #expect(try checkpoint.floats(tensor, plane) == expected)
                for low in 0..<tensor.elementCount {
                    var part = [Float](repeating: .nan, count: tensor.elementCount - low)
                    try part.withUnsafeMutableBufferPointer {
                        try checkpoint.read(tensor, plane, from: low, into: $0)
                    }
                    #expect(part == Array(expected[low...]))
                }
            }
        }
    }

    @Test func `The hashes do not depend on the number of servers`() throws {
        var parameters: Set<String> = []
        var optimizer: Set<String> = []
        for servers in 1...4 {
            let temporary = try TemporaryDirectory()
            let run = SampleRun(temporary.path)
            parameters.insert(try run.writeCheckpoint(step: 3, servers: servers).parametersSHA256)
            optimizer.insert(try run.directory.open(step: 3).optimizerSHA256())
        }
        #expect(parameters.count == 1)
        #expect(optimizer.count == 1)
        #expect(parameters != optimizer)
    }

    @Test func `The parameters' hash is that of the plain values in list order`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        var bytes: [UInt8] = []
        for (index, tensor) in SampleRun.tensors.enumerated() {
            for element in 0..<tensor.elementCount {
                let value = SampleRun.value(index, .values, element, step: 3)
                withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        #expect(try run.writeCheckpoint(step: 3).parametersSHA256 == SHA256.hash(bytes))
        #expect(
            SHA256.hash("abc".utf8)
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    // Skipped where there is no Python: the script needs nothing else.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")))
    func `The documented script finds the same hash`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        let manifest = try run.writeCheckpoint(step: 3, servers: 3)
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/checkpoint_sha256.py").standardized.path
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = [script, run.directory.path(of: 3)]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(text == manifest.parametersSHA256 + "\n")
    }

    @Test func `A flipped bit anywhere is found, and the file is named`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        try run.writeCheckpoint(step: 3)
        let directory = run.directory.path(of: 3)
        for name in try FileManager.default.contentsOfDirectory(atPath: directory).sorted() {
            let path = directory + "/" + name
            let original = try Data(contentsOf: URL(filePath: path))
            for index in original.indices {
                var damaged = original
                damaged[index] ^= 1 << (index % 8)
                try damaged.write(to: URL(filePath: path))
                let error = try #require(throws: CheckpointError.self, "byte \(index) of \(name)") {
                    try run.directory.open(step: 3)
                }
                #expect(error.kind == .corrupt || error.kind == .missing)
                #expect(error.file == path || name == "manifest.json", "byte \(index): \(error)")
            }
            try original.write(to: URL(filePath: path))
        }
        #expect(throws: Never.self) { try run.directory.open(step: 3) }
    }

    @Test func `A truncated, swapped or missing file is found`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        try run.writeCheckpoint(step: 3)
        let first = URL(filePath: run.directory.path(of: 3) + "/server-0-of-2.safetensors")
        let second = URL(filePath: run.directory.path(of: 3) + "/server-1-of-2.safetensors")
        let original = try Data(contentsOf: first)
        for count in 0..<original.count {
            try original.prefix(count).write(to: first)
            let error = try #require(throws: CheckpointError.self) {
                try run.directory.open(step: 3)
            }
            #expect(error.file == first.path)
        }
        try Data(contentsOf: second).write(to: first)
        #expect(throws: CheckpointError.self) { try run.directory.open(step: 3) }
        try FileManager.default.removeItem(at: first)
        let error = try #require(throws: CheckpointError.self) { try run.directory.open(step: 3) }
        #expect(error.kind == .missing && error.file == first.path)
    }

    @Test func `A tensor that two servers wrote, or none, is refused before the manifest`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        let facts = CheckpointDirectory.Facts(
            step: 1, phase: "main", stepInPhase: 1, configuration: "{}", configurationSHA256: "",
            numericsClass: "")
        let half = try run.writeShard(server: 0, of: 2, step: 1)
        let missing = try #require(throws: CheckpointError.self) {
            try run.directory.writeManifest(facts, tensors: SampleRun.tensors, shards: [half])
        }
        #expect(missing.tensor == "primary/conv.weight")
        #expect(missing.problem.contains("expected 12 elements, found 6"))
        let whole = try run.writeShard(server: 0, of: 1, step: 1)
        let twice = try #require(throws: CheckpointError.self) {
            try run.directory.writeManifest(
                facts, tensors: SampleRun.tensors, shards: [half, whole])
        }
        #expect(twice.problem.contains("written twice"))
        #expect(try run.directory.steps() == [])
    }

    @Test func `A shard that changed since its server reported it is refused`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        var record = try run.writeShard(server: 0, of: 1, step: 1)
        record.sha256 = String(repeating: "0", count: 64)
        let error = try #require(throws: CheckpointError.self) {
            try run.directory.writeManifest(
                .init(
                    step: 1, phase: "main", stepInPhase: 1, configuration: "{}",
                    configurationSHA256: "", numericsClass: ""),
                tensors: SampleRun.tensors, shards: [record])
        }
        #expect(error.problem.contains("expected SHA-256 000"))
    }

    @Test func `The newest that verifies is found past damaged ones`() throws {
        let temporary = try TemporaryDirectory()
        let run = SampleRun(temporary.path)
        #expect(try run.directory.newestVerified().checkpoint == nil)
        for step in [10, 20, 30, 40] { try run.writeCheckpoint(step: step) }
        try FileManager.default.removeItem(atPath: run.directory.path(of: 40) + "/manifest.json")
        let damaged = run.directory.path(of: 30) + "/server-1-of-2.safetensors"
        var bytes = try Data(contentsOf: URL(filePath: damaged))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(filePath: damaged))
        let (checkpoint, skipped) = try run.directory.newestVerified()
        #expect(checkpoint?.manifest.step == 20)
        #expect(skipped.map(\.file) == [damaged])
        #expect(try run.directory.newestVerified(through: 19).checkpoint?.manifest.step == 10)
    }

    @Test func `A checkpoint of another run is refused`() throws {
        let temporary = try TemporaryDirectory()
        try SampleRun(temporary.path).writeCheckpoint(step: 1)
        let other = CheckpointDirectory(run: temporary.path, runID: "run-2")
        let error = try #require(throws: CheckpointError.self) { try other.open(step: 1) }
        #expect(error.problem.contains("found step 1 of run run-1"))
    }
}
