/// A safetensors file opened for reading; its header has been checked, its tensors are read on
/// demand.
///
/// Layout: u64 little-endian N, N bytes of JSON, then the tensors without holes or overlap
/// (huggingface/safetensors).
public struct SafetensorsFile: Sendable {
    /// The element types of the format.
    public enum DataType: String, Sendable, CaseIterable {
        case float64 = "F64", float32 = "F32", float16 = "F16", brainFloat16 = "BF16"
        case int64 = "I64", int32 = "I32", int16 = "I16", int8 = "I8"
        case uint64 = "U64", uint32 = "U32", uint16 = "U16", uint8 = "U8"
        case boolean = "BOOL"

        /// Bytes per element.
        public var byteCount: Int {
            switch self {
            case .float64, .int64, .uint64: 8
            case .float32, .int32, .uint32: 4
            case .float16, .brainFloat16, .int16, .uint16: 2
            case .int8, .uint8, .boolean: 1
            }
        }
    }

    /// A tensor's entry in the header.
    public struct Tensor: Sendable, Equatable {
        /// Unique within the file.
        public var name: String
        /// Type of the elements.
        public var dataType: DataType
        /// Extents, outermost first; empty for a scalar.
        public var shape: [Int]
        /// Where its bytes lie in the file.
        public var byteRange: Range<Int>
        /// Number of elements, the product of `shape`.
        public var elementCount: Int { byteRange.count / dataType.byteCount }
    }

    /// The file, as it was given to `init`.
    public let path: String
    /// The tensors in the order in which they lie in the file.
    public let tensors: [Tensor]
    /// The strings of the header's `__metadata__`; empty where it has none.
    public let metadata: [String: String]
    package let file: ReadableFile
    private let indexByName: [String: Int]

    /// Opens a file and checks its whole header.
    /// - Throws: `CheckpointError` naming the file, the tensor, what was expected and found.
    public init(path: String) throws(CheckpointError) {
        let file = try ReadableFile(path: path)
        let header = try SafetensorsHeader(of: file)
        self.path = path
        self.file = file
        tensors = header.tensors
        metadata = header.metadata
        indexByName = Dictionary(
            uniqueKeysWithValues: header.tensors.enumerated().map { ($1.name, $0) })
    }

    /// The entry of a tensor; nil where the file has none of that name.
    public func tensor(named name: String) -> Tensor? {
        indexByName[name].map { tensors[$0] }
    }

    /// The values of a float32 tensor, in C order.
    /// - Parameter shape: the shape it must have, where given.
    /// - Throws: `CheckpointError` where it is missing or of another type or shape.
    public func floats(_ name: String, shape: [Int]? = nil) throws(CheckpointError) -> [Float] {
        try values(name, .float32, shape, zero: Float(0))
    }

    /// The values of a uint8 tensor, in C order.
    public func bytes(_ name: String, shape: [Int]? = nil) throws(CheckpointError) -> [UInt8] {
        try values(name, .uint8, shape, zero: UInt8(0))
    }

    /// The values of an int64 tensor, in C order.
    public func integers(_ name: String, shape: [Int]? = nil) throws(CheckpointError) -> [Int64] {
        try values(name, .int64, shape, zero: Int64(0))
    }

    /// Fills `target` with the elements of a float32 tensor from `firstElement` on.
    public func read(
        _ name: String, from firstElement: Int = 0, into target: UnsafeMutableBufferPointer<Float>
    ) throws(CheckpointError) {
        let tensor = try require(name, .float32, nil)
        guard firstElement >= 0, target.count <= tensor.elementCount - firstElement else {
            throw CheckpointError(
                .corrupt, file: path, tensor: name,
                "expected elements \(firstElement)..<\(firstElement + target.count), "
                    + "found \(tensor.elementCount)")
        }
        try file.read(
            into: UnsafeMutableRawBufferPointer(target),
            at: tensor.byteRange.lowerBound + 4 * firstElement)
    }

    /// The entry of a tensor that must have this type and, where given, this shape.
    public func require(
        _ name: String, _ dataType: DataType, _ shape: [Int]?
    ) throws(CheckpointError) -> Tensor {
        guard let tensor = tensor(named: name) else {
            throw CheckpointError(
                .corrupt, file: path, tensor: name,
                "missing; the file holds \(tensors.count) other tensors")
        }
        guard tensor.dataType == dataType else {
            throw CheckpointError(
                .corrupt, file: path, tensor: name,
                "expected type \(dataType.rawValue), found \(tensor.dataType.rawValue)")
        }
        if let shape, tensor.shape != shape {
            throw CheckpointError(
                .corrupt, file: path, tensor: name,
                "expected shape \(shape), found \(tensor.shape)")
        }
        return tensor
    }

    private func values<Element: BitwiseCopyable>(
        _ name: String, _ dataType: DataType, _ shape: [Int]?, zero: Element
    ) throws(CheckpointError) -> [Element] {
        let tensor = try require(name, dataType, shape)
        var values = [Element](repeating: zero, count: tensor.elementCount)
        do {
            try values.withUnsafeMutableBytes {
                try file.read(into: $0, at: tensor.byteRange.lowerBound)
            }
        } catch let error as CheckpointError {
            throw error
        } catch { preconditionFailure("unexpected error \(error)") }
        return values
    }
}
