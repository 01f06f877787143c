import Checkpoints
import Foundation
import Testing

@Suite struct SafetensorsTests {
    private let temporary: TemporaryDirectory
    private var path: String { temporary.path + "/weights.safetensors" }

    init() throws { temporary = try TemporaryDirectory() }

    /// Writes a file with this header and so many bytes after it.
    private func write(header: String, length: UInt64? = nil, dataByteCount: Int) throws {
        var bytes = withUnsafeBytes(
            of: (length ?? UInt64(header.utf8.count)).littleEndian, Array.init)
        bytes += Array(header.utf8) + [UInt8](repeating: 7, count: dataByteCount)
        try Data(bytes).write(to: URL(filePath: path))
    }

    private func failure(_ body: () throws -> Void) throws -> CheckpointError {
        let error = try #require(throws: CheckpointError.self, performing: body)
        #expect(error.kind == .corrupt)
        #expect(error.file == path)
        #expect(error.description.contains(path))
        return error
    }

    @Test func `What is written reads back`() throws {
        let floats: [Float] = [1, -0.0, .infinity, .leastNonzeroMagnitude, 5, 6]
        let bytes: [UInt8] = [0, 255, 3]
        let integers: [Int64] = [.min, .max]
        try floats.withUnsafeBytes { floats in
            try bytes.withUnsafeBytes { bytes in
                try integers.withUnsafeBytes { integers in
                    try SafetensorsWriter(
                        [
                            .init("labels", .uint8, shape: [3], bytes: bytes),
                            .init("b.weight", .float32, shape: [2, 3], bytes: floats),
                            .init(
                                "a \"quoted\" ü\n", .float32, shape: [0, 7],
                                bytes: .init(start: nil, count: 0)),
                            .init("count", .int64, shape: [2], bytes: integers),
                            .init("scalar", .uint8, shape: [], bytes: .init(rebasing: bytes[..<1])),
                        ], metadata: ["key": "value"]
                    ).write(to: path)
                }
            }
        }
        let file = try SafetensorsFile(path: path)
        #expect(file.metadata == ["key": "value"])
        #expect(
            file.tensors.map(\.name) == [
                "count", "a \"quoted\" ü\n", "b.weight", "labels", "scalar",
            ])
        #expect(
            try file.floats("b.weight", shape: [2, 3]).map(\.bitPattern) == floats.map(\.bitPattern)
        )
        #expect(try file.bytes("labels") == bytes)
        #expect(try file.integers("count") == integers)
        #expect(try file.floats("a \"quoted\" ü\n", shape: [0, 7]) == [])
        #expect(try file.bytes("scalar", shape: []) == [0])
        var middle: [Float] = [0, 0]
        try middle.withUnsafeMutableBufferPointer { try file.read("b.weight", from: 3, into: $0) }
        #expect(middle == [.leastNonzeroMagnitude, 5])
        let raw = try Data(contentsOf: URL(filePath: path))
        #expect(raw.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) } % 8 == 0)
    }

    @Test func `A missing tensor, another type and another shape are named`() throws {
        try write(
            header: #"{"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#, dataByteCount: 8)
        let file = try SafetensorsFile(path: path)
        let missing = try failure { _ = try file.floats("v") }
        #expect(missing.tensor == "v" && missing.problem.contains("missing"))
        let type = try failure { _ = try file.bytes("w") }
        #expect(type.tensor == "w" && type.problem == "expected type U8, found F32")
        let shape = try failure { _ = try file.floats("w", shape: [1, 2]) }
        #expect(shape.problem == "expected shape [1, 2], found [2, 1]")
        _ = try failure {
            var target: [Float] = [0, 0]
            try target.withUnsafeMutableBufferPointer { try file.read("w", from: 1, into: $0) }
        }
    }

    @Test(arguments: [
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "expected 8 bytes for shape"),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, "expected 4 bytes for shape"),
        (#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "within 0...8"),
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, "within 0...8"),
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#, "within 0...8"),
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, "within 0...8"),
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8.0]}}"#, "within 0...8"),
        (#"{"w":{"dtype":"F32","shape":[2]}}"#, "found none"),
        (
            #"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
            "shape of integers from 0 on"
        ),
        (#"{"w":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}"#, "shape of integers from 0 on"),
        (
            #"{"w":{"dtype":"F32","shape":[4611686018427387904,2],"data_offsets":[0,8]}}"#,
            "overflows"
        ),
        (#"{"w":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#, "expected a dtype of"),
        (#"{"w":7}"#, "expected a dtype of"),
        (
            #"{"v":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"#
                + #""w":{"dtype":"U8","shape":[5],"data_offsets":[3,8]}}"#, "tensors overlap"
        ),
        (
            #"{"v":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"#
                + #""w":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}}"#, "there is a hole"
        ),
        (
            #"{"w":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}"#,
            "expected the tensors to end at"
        ),
        (
            #"{"w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"#
                + #""w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}"#, "appears twice"
        ),
        (
            #"{"__metadata__":{"a":1},"w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}"#,
            "a string"
        ),
        (#"{"__metadata__":[],"w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}"#, "an object"),
        (#"[1]"#, "begins with {"),
        (#"{"w":"#, "ends too early"),
        (#"{} x"#, "more text"),
    ])
    func `A header that lies is refused`(header: String, problem: String) throws {
        try write(header: header, dataByteCount: 8)
        let error = try failure { _ = try SafetensorsFile(path: path) }
        #expect(error.problem.contains(problem), "\(error)")
    }

    @Test(arguments: [0, 1, 11, 1 << 20, 100_000_001, UInt64(Int.max), .max])
    func `A header length that lies is refused without reserving it`(length: UInt64) throws {
        try write(header: "{}", length: length, dataByteCount: 8)
        let error = try failure { _ = try SafetensorsFile(path: path) }
        #expect(error.problem.contains("header"), "\(error)")
    }

    @Test func `Deep nesting, odd strings and odd numbers are refused`() throws {
        let deep = "{\"a\":" + String(repeating: "[", count: 100_000)
        for header in [
            deep, "{\"a\":\"\\x\"}", "{\"a\":\"\\ud800\"}", "{\"a\":01}", "{\"a\":1e999}",
            "{\"a\":--1}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":nul}", "{\"a\":\"\u{1}\"}", "{a:1}",
            "{\"a\":99999999999999999999}",
        ] {
            try write(header: header, dataByteCount: 0)
            _ = try failure { _ = try SafetensorsFile(path: path) }
        }
    }

    @Test func `Truncation at every byte and a flip of every header bit never crash`() throws {
        let header =
            #"{"v":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
            + #""w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
        try write(header: header, dataByteCount: 8)
        let whole = try Data(contentsOf: URL(filePath: path))
        for count in 0..<whole.count {
            try whole.prefix(count).write(to: URL(filePath: path))
            _ = try failure { _ = try SafetensorsFile(path: path) }
        }
        for bit in 0..<8 * (whole.count - 8) {
            var damaged = whole
            damaged[bit / 8] ^= 1 << (bit % 8)
            try damaged.write(to: URL(filePath: path))
            // A flip within a name leaves a sound file; anything else must be reported, not trap.
            if let file = try? SafetensorsFile(path: path) { #expect(file.tensors.count == 2) }
        }
    }

    @Test func `A file that is not there, and a directory, are told apart`() throws {
        let missing = try #require(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
        #expect(missing.kind == .missing)
        let directory = try #require(throws: CheckpointError.self) {
            try SafetensorsFile(path: temporary.path)
        }
        #expect(directory.problem.contains("regular file"))
    }

    private static let weights = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../shared/data/mobilenet_v2_imagenet.safetensors").standardized.path

    // Skipped where the measuring data beside the repository are absent.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: weights)))
    func `A file written by the reference implementation is read`() throws {
        let file = try SafetensorsFile(path: Self.weights)
        #expect(file.tensors.count > 200)
        let values = try file.floats("features.0.0.weight", shape: [32, 3, 3, 3])
        #expect(values.allSatisfy(\.isFinite) && values.contains { $0 != 0 })
    }
}
