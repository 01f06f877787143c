import Hashes
import TrainingProtocol

/// Lays out a safetensors file: tensors sorted by name, the header padded to a multiple of 8 bytes.
public struct SafetensorsWriter {
    /// A tensor's name, type, shape and bytes; the caller keeps the bytes alive and unchanged.
    public struct Tensor {
        /// Unique within the file and not `__metadata__`.
        public var name: String
        /// Type of the elements.
        public var dataType: SafetensorsFile.DataType
        /// Extents, outermost first; empty for a scalar.
        public var shape: [Int]
        /// The elements in C order, little-endian.
        public var bytes: UnsafeRawBufferPointer

        /// Traps unless `bytes` is as long as `shape` and `dataType` demand.
        public init(
            _ name: String, _ dataType: SafetensorsFile.DataType, shape: [Int],
            bytes: UnsafeRawBufferPointer
        ) {
            precondition(
                bytes.count == shape.reduce(dataType.byteCount, *),
                "\(name): \(bytes.count) bytes for shape \(shape) of \(dataType.rawValue)")
            self.name = name
            self.dataType = dataType
            self.shape = shape
            self.bytes = bytes
        }
    }

    private let tensors: [Tensor]
    private let header: [UInt8]

    /// - Precondition: names are unique and none is `__metadata__`.
    public init(_ tensors: [Tensor], metadata: [String: String] = [:]) {
        // Wider types first, as the reference writer does: then every tensor is aligned.
        self.tensors = tensors.sorted {
            $0.dataType.byteCount != $1.dataType.byteCount
                ? $0.dataType.byteCount > $1.dataType.byteCount : $0.name < $1.name
        }
        precondition(Set(tensors.map(\.name)).count == tensors.count, "a tensor name appears twice")
        var members: [JSON.Member] = []
        if !metadata.isEmpty {
            let strings = metadata.map { JSON.Member($0.key, .string($0.value)) }
            members.append(.init("__metadata__", .sorted(strings)))
        }
        var offset = 0
        for tensor in self.tensors {
            precondition(tensor.name != "__metadata__", "a tensor may not be named __metadata__")
            let end = offset + tensor.bytes.count
            members.append(
                .init(
                    tensor.name,
                    .object([
                        .init("dtype", .string(tensor.dataType.rawValue)),
                        .init("shape", .array(tensor.shape.map(JSON.integer))),
                        .init("data_offsets", .array([.integer(offset), .integer(end)])),
                    ])))
            offset = end
        }
        var text = Array(JSON.object(members).text.utf8)
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
        precondition(text.count <= SafetensorsHeader.maximumByteCount, "header too long")
        header = withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
    }

    /// Writes the file atomically; on return it is durable.
    /// - Throws: `CheckpointError` of kind `inputOutput`.
    public func write(to path: String) throws(CheckpointError) {
        _ = try write(to: path, on: PosixFileSystem(), at: nil)
    }

    /// As `write(to:)`, with the directories that lead to the file, outermost first; the size and
    /// SHA-256 of the file.
    func write(
        to path: String, creating directories: [String] = [], on fileSystem: any FileSystem,
        at pace: BackgroundPace?
    ) throws(CheckpointError) -> (byteCount: Int, sha256: String) {
        var hash = SHA256()
        var byteCount = 0
        var outcome = FileOutcome.durable
        header.withUnsafeBytes { header in
            let content = FileContent([header] + tensors.map(\.bytes))
            byteCount = content.byteCount
            var machine = ShardWriteMachine(
                directories: directories, file: AtomicWriteMachine(to: path, content))
            var file: Int32 = -1
            // Hashed as they are written, while the caches still hold them.
            outcome = fileSystem.drive(
                machine.start(), content: content, on: &file,
                written: { piece in
                    hash.update(piece)
                    pace?.rest()
                }
            ) { machine.handle($0) }
        }
        try outcome.get()
        return (byteCount, hash.finish())
    }
}
