/// The header of a safetensors file, checked against everything that it could lie about.
struct SafetensorsHeader {
    /// The format's own cap on the header's length.
    static let maximumByteCount = 100_000_000

    var tensors: [SafetensorsFile.Tensor] = []
    var metadata: [String: String] = [:]

    init(of file: ReadableFile) throws(CheckpointError) {
        let json = try Self.json(of: file)
        guard let members = json.members else {
            throw CheckpointError(
                .corrupt, file: file.path,
                "expected a JSON object as header, found \(json.kindName)")
        }
        let dataStart = try 8 + Self.length(of: file)
        for member in members {
            if member.key == "__metadata__" {
                metadata = try Self.metadata(member.value, file.path)
            } else {
                tensors.append(try Self.tensor(member, dataStart: dataStart, file))
            }
        }
        // Empty tensors may share an offset with the next one: the end decides, then the name.
        tensors.sort {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound, $0.name)
                < ($1.byteRange.lowerBound, $1.byteRange.upperBound, $1.name)
        }
        try checkCover(of: file, from: dataStart)
    }

    private static func length(of file: ReadableFile) throws(CheckpointError) -> Int {
        guard file.byteCount >= 8 else {
            throw CheckpointError(
                .corrupt, file: file.path,
                "expected a header of 8 bytes or more, found \(file.byteCount) bytes")
        }
        var prefix: UInt64 = 0
        var failure: CheckpointError?
        withUnsafeMutableBytes(of: &prefix) { target in
            do throws(CheckpointError) { try file.read(into: target, at: 0) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        let length = UInt64(littleEndian: prefix)
        let limit = UInt64(min(maximumByteCount, file.byteCount - 8))
        guard length >= 2, length <= limit else {
            throw CheckpointError(
                .corrupt, file: file.path,
                "expected a header length of 2 to \(limit) bytes, found \(length)")
        }
        return Int(length)
    }

    private static func json(of file: ReadableFile) throws(CheckpointError) -> JSON {
        let length = try length(of: file)
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
        defer { target.deallocate() }
        try file.read(into: target, at: 8)
        guard target[0] == UInt8(ascii: "{") else {
            throw CheckpointError(
                .corrupt, file: file.path,
                "expected a header that begins with {, found byte \(target[0])")
        }
        do {
            return try JSONParser.parse(UnsafeRawBufferPointer(target))
        } catch {
            throw CheckpointError(.corrupt, file: file.path, "header: \(error)")
        }
    }

    private static func metadata(
        _ json: JSON, _ path: String
    ) throws(CheckpointError) -> [String: String] {
        var metadata: [String: String] = [:]
        for member in json.members ?? [] {
            guard let text = member.value.string else {
                throw CheckpointError(
                    .corrupt, file: path,
                    "__metadata__: expected a string for \"\(member.key)\", "
                        + "found \(member.value.kindName)")
            }
            metadata[member.key] = text
        }
        guard json.members != nil else {
            throw CheckpointError(
                .corrupt, file: path, "__metadata__: expected an object, found \(json.kindName)")
        }
        return metadata
    }

    private static func tensor(
        _ member: JSON.Member, dataStart: Int, _ file: ReadableFile
    ) throws(CheckpointError) -> SafetensorsFile.Tensor {
        func failure(_ problem: String) -> CheckpointError {
            CheckpointError(.corrupt, file: file.path, tensor: member.key, problem)
        }
        guard let name = member.value["dtype"]?.string,
            let dataType = SafetensorsFile.DataType(rawValue: name)
        else {
            let known = SafetensorsFile.DataType.allCases.map(\.rawValue).joined(separator: ", ")
            let found = member.value["dtype"]?.text ?? "none"
            throw failure("expected a dtype of \(known), found \(found)")
        }
        guard let shape = integers(member.value["shape"]), shape.allSatisfy({ $0 >= 0 }) else {
            throw failure(
                "expected a shape of integers from 0 on, "
                    + "found \(member.value["shape"]?.text ?? "none")"
            )
        }
        guard let offsets = integers(member.value["data_offsets"]), offsets.count == 2,
            offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= file.byteCount - dataStart
        else {
            throw failure(
                "expected data_offsets within 0...\(file.byteCount - dataStart), "
                    + "found \(member.value["data_offsets"]?.text ?? "none")")
        }
        var byteCount = dataType.byteCount
        for extent in shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw failure("shape \(shape) overflows") }
            byteCount = product
        }
        guard byteCount == offsets[1] - offsets[0] else {
            throw failure(
                "expected \(byteCount) bytes for shape \(shape) of \(name), "
                    + "found \(offsets[1] - offsets[0])")
        }
        return .init(
            name: member.key, dataType: dataType, shape: shape,
            byteRange: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    private static func integers(_ json: JSON?) -> [Int]? {
        guard let values = json?.array else { return nil }
        let integers = values.compactMap(\.integer)
        return integers.count == values.count ? integers : nil
    }

    private func checkCover(of file: ReadableFile, from dataStart: Int) throws(CheckpointError) {
        var end = dataStart
        for tensor in tensors {
            guard tensor.byteRange.lowerBound == end else {
                throw CheckpointError(
                    .corrupt, file: file.path, tensor: tensor.name,
                    "expected to begin at byte \(end), found \(tensor.byteRange.lowerBound): "
                        + (tensor.byteRange.lowerBound < end
                            ? "tensors overlap" : "there is a hole"))
            }
            end = tensor.byteRange.upperBound
        }
        guard end == file.byteCount else {
            throw CheckpointError(
                .corrupt, file: file.path,
                "expected the tensors to end at byte \(file.byteCount), found \(end)")
        }
    }
}
