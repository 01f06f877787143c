import Foundation

/// The float32 and integer tensors of a trusted golden file in the safetensors format.
package struct Safetensors {
    package struct Tensor {
        package let type: String
        package let shape: [Int]
        package let bytes: Data

        /// The elements of an `F32` tensor.
        package var floats: [Float] {
            precondition(type == "F32", "a tensor of type \(type) is no F32")
            return bytes.withUnsafeBytes { raw in
                (0..<raw.count / 4).map { index in
                    Float(
                        bitPattern: UInt32(
                            littleEndian: raw.loadUnaligned(
                                fromByteOffset: 4 * index, as: UInt32.self)))
                }
            }
        }

        /// The elements of an `F64` tensor.
        package var doubles: [Double] {
            precondition(type == "F64", "a tensor of type \(type) is no F64")
            return bytes.withUnsafeBytes { raw in
                (0..<raw.count / 8).map { index in
                    Double(
                        bitPattern: UInt64(
                            littleEndian: raw.loadUnaligned(
                                fromByteOffset: 8 * index, as: UInt64.self)))
                }
            }
        }

        /// The elements of a `U8` tensor.
        package var integers: [UInt8] {
            precondition(type == "U8", "a tensor of type \(type) is no U8")
            return Array(bytes)
        }
    }

    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    package let tensors: [String: Tensor]
    package let metadata: [String: String]

    package init(contentsOf path: String) throws {
        let file = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        guard file.count >= 8 else { throw Malformed(description: "\(path): no header") }
        let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length >= 0, length <= file.count - 8 else {
            throw Malformed(description: "\(path): a header of \(length) bytes")
        }
        let header = try JSONSerialization.jsonObject(with: file.subdata(in: 8..<8 + length))
        guard let entries = header as? [String: [String: Any]] else {
            throw Malformed(description: "\(path): the header is no object of objects")
        }
        let body = file.dropFirst(8 + length)
        var tensors: [String: Tensor] = [:]
        for (name, entry) in entries where name != "__metadata__" {
            guard let type = entry["dtype"] as? String, let shape = entry["shape"] as? [Int],
                let range = entry["data_offsets"] as? [Int], range.count == 2,
                range[0] >= 0, range[0] <= range[1], range[1] <= body.count
            else { throw Malformed(description: "\(path): \(name) has the entry \(entry)") }
            let start = body.startIndex
            tensors[name] = Tensor(
                type: type, shape: shape,
                bytes: body.subdata(in: start + range[0]..<start + range[1]))
        }
        self.tensors = tensors
        metadata = entries["__metadata__"] as? [String: String] ?? [:]
    }

    package subscript(name: String) -> Tensor {
        guard let tensor = tensors[name] else {
            preconditionFailure("no tensor \(name); there are \(tensors.keys.sorted())")
        }
        return tensor
    }
}
