import Foundation
import Optimizers
import TrainingProtocol

/// A shard's state in parts, as a primary sends it to a new backup: each chunk's values, its older
/// values that are still read, its optimizer slots, and the optimizer's scalars once.
package struct StateParts {
    /// The section of a chunk's parameters; slots go by the rule's names.
    static let values = "values"

    /// The section of a chunk's parameters at a version that is not its newest one; checkpoints name
    /// their planes so, too.
    static func values(at version: Version) -> String { "values-at-\(version)" }

    private static let progressSection = "progress"

    private var parts: [StatePart]

    package init(_ parts: [StatePart]) { self.parts = parts }

    static func part(_ chunk: ChunkID, _ section: String, _ payload: Frame) -> StatePart {
        StatePart(
            chunk: chunk, section: section, digest: Digest(of: payload), payload: payload)
    }

    /// The optimizer's scalars; bit patterns, so that nothing is rounded.
    ///
    /// Ends of line fill the text up to a multiple of four bytes, as the wire wants it of tensors.
    package static func progress(_ progress: OptimizerProgress, chunk: ChunkID) -> [StatePart] {
        let lines = progress.scalars.sorted { $0.key < $1.key }.map {
            "\($0.key) \($0.value.bitPattern)\n"
        }
        var text = Array(lines.joined().utf8)
        text += repeatElement(UInt8(ascii: "\n"), count: 4 - text.count % 4)
        return [part(chunk, progressSection, Frame(copying: text))]
    }

    /// Takes out the optimizer's scalars.
    ///
    /// Throws `RoleError.replica`.
    package mutating func takeProgress(at version: Version) throws -> OptimizerProgress {
        let frame = try take(section: Self.progressSection, of: nil)
        var scalars: [String: Double] = [:]
        for line in String(decoding: frame.bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let bits = UInt64(words[1]) else { continue }
            scalars[String(words[0])] = Double(bitPattern: bits)
        }
        guard let progress = OptimizerProgress(scalars: scalars) else {
            throw RoleError.replica(
                "the optimizer's scalars at version \(version) do not make sense")
        }
        return progress
    }

    /// Takes out one array of a chunk, checked and copied.
    ///
    /// Throws `RoleError.replica`.
    mutating func take(
        _ section: String, of chunk: Chunk, _ blocks: FloatBlocks
    ) throws -> FloatBlocks.Block {
        let frame = try take(section: section, of: chunk.id)
        guard frame.byteCount == chunk.byteCount else {
            throw RoleError.replica(
                "\(section) of chunk \(chunk.id) has \(frame.byteCount) of \(chunk.byteCount) bytes"
            )
        }
        let block = blocks.take(chunk.elementCount)
        UnsafeMutableRawBufferPointer(block.floats).copyMemory(from: frame.bytes)
        return block
    }

    /// Throws `RoleError.replica` where something was left over.
    func expectNone() throws {
        guard let rest = parts.first else { return }
        throw RoleError.replica("\(rest.section) of chunk \(rest.chunk) belongs to no chunk here")
    }

    private mutating func take(section: String, of chunk: ChunkID?) throws -> Frame {
        let place = parts.firstIndex {
            $0.section == section && (chunk == nil || $0.chunk == chunk)
        }
        guard let place else {
            throw RoleError.replica(
                "\(section) of chunk \(chunk.map { "\($0)" } ?? "any") is missing")
        }
        let part = parts.remove(at: place)
        guard Digest(of: part.payload) == part.digest else {
            throw RoleError.replica("\(section) of chunk \(part.chunk) arrived damaged")
        }
        return part.payload
    }
}
