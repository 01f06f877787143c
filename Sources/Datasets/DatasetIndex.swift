import Foundation
import Hashes

/// What a data set holds, file by file: part of a run's configuration, so that a worker that sees
/// another file refuses its slot.
public struct DatasetIndex: Codable, Hashable, Sendable {
    /// One file below the root of the data set.
    public struct File: Codable, Hashable, Sendable {
        /// Path relative to the root, with `/`.
        public var name: String
        /// Size in bytes.
        public var byteCount: Int
        /// Lower-case hexadecimal.
        public var sha256: String
    }

    /// The files of one image; a weak image has no mask, whatever lies on the disk.
    public struct Entry: Codable, Hashable, Sendable {
        /// Name of the image without folder and extension.
        public var name: String
        /// The JPEG.
        public var image: File
        /// The class mask, where it may be opened.
        public var mask: File?
        /// The XML, where boxes come from it.
        public var annotation: File?
        /// The object mask, where boxes come from it.
        public var instances: File?
    }

    /// A damaged image and the one that stands in for it in its split, for every process alike.
    public struct Substitution: Codable, Hashable, Sendable {
        /// The split the image belongs to.
        public var split: DatasetSplit
        /// Name of the damaged image.
        public var damaged: String
        /// Name of the image that stands in.
        public var substitute: String
        /// What was wrong.
        public var reason: String
    }

    /// Class names in index order.
    public var classNames: [String]
    /// F, in list order.
    public var labelled: [Entry]
    /// W, in list order.
    public var weak: [Entry]
    /// The validation images, in list order.
    public var validation: [Entry]
    /// The COCO file, where boxes come from one.
    public var boxFile: File?
    /// Damaged training images and their substitutes.
    public var substitutions: [Substitution]

    /// SHA-256 of the canonical JSON of the index, lower-case hexadecimal.
    public var hash: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(self) else {
            preconditionFailure("an index of \(labelled.count) images cannot be encoded")
        }
        return SHA256.hash(json)
    }

    /// The images of a split, in list order.
    public subscript(split: DatasetSplit) -> [Entry] {
        switch split {
        case .labelled: labelled
        case .weak: weak
        case .validation: validation
        }
    }
}

/// The three disjoint parts of a data set: F, W and the validation images.
public enum DatasetSplit: String, Codable, Hashable, Sendable, CaseIterable {
    case labelled, weak, validation
}
