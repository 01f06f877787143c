import Foundation

/// What `dataset check` found.
public struct DatasetReport: Codable, Hashable, Sendable {
    /// One thing found, and the image or list it concerns.
    public struct Finding: Codable, Hashable, Sendable {
        /// `DatasetError.Kind` of an error; `clipped`, `leakage`, … of a warning.
        public var kind: String
        /// The finding with its place and remedy.
        public var message: String
    }

    /// Counts of one split.
    public struct Split: Codable, Hashable, Sendable {
        /// Images on its list.
        public var images: Int
        /// Images whose mask was read.
        public var imagesWithMask: Int
        /// Boxes in its images.
        public var boxes: Int
    }

    /// Counts of one class.
    public struct Class: Codable, Hashable, Sendable {
        /// Index in masks.
        public var index: Int
        /// Name in annotations.
        public var name: String
        /// Pixels in the masks of F, and of W where they may be opened.
        public var trainingPixels: Int
        /// Pixels in validation masks.
        public var validationPixels: Int
        /// Boxes in all splits.
        public var boxes: Int
    }

    /// Root of the data set.
    public var root: String
    /// F.
    public var labelled: Split
    /// W.
    public var weak: Split
    /// The validation images.
    public var validation: Split
    /// Every class in index order.
    public var classes: [Class]
    /// Pixels that are void in the masks read.
    public var voidPixels: Int
    /// Smallest and largest image, as width × height.
    public var smallestImage: String?
    /// Largest image, as width × height.
    public var largestImage: String?
    /// What a run cannot start with, or would be deceived by.
    public var errors: [Finding]
    /// What is odd but can be trained on.
    public var warnings: [Finding]

    /// Whether a run on this data could not start or would deceive.
    public var isUsable: Bool { errors.isEmpty }

    /// One JSON object on one line; keys are in snake case.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else {
            preconditionFailure("the report on \(root) cannot be encoded")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// A table to read.
    public var text: String {
        var lines = ["\(root)"]
        for (name, split) in [("F", labelled), ("W", weak), ("validation", validation)] {
            lines.append(
                "  \(name.padded(to: 11)) \(split.images) images, \(split.imagesWithMask) masks, "
                    + "\(split.boxes) boxes")
        }
        if let smallestImage, let largestImage {
            lines.append("  \("sizes".padded(to: 11)) \(smallestImage) to \(largestImage)")
        }
        let width = max(12, classes.map(\.name.count).max() ?? 0)
        let trained = max(1, classes.reduce(0) { $0 + $1.trainingPixels })
        let validated = max(1, classes.reduce(0) { $0 + $1.validationPixels })
        lines.append(
            "  index \("class".padded(to: width))   training  validation    boxes")
        for entry in classes {
            lines.append(
                "  \(String(entry.index).padded(to: 5)) \(entry.name.padded(to: width)) "
                    + percentage(entry.trainingPixels, of: trained) + " "
                    + percentage(entry.validationPixels, of: validated) + "   "
                    + String(entry.boxes).padded(to: 8, .right))
        }
        lines.append("  void pixels: \(voidPixels)")
        for warning in warnings { lines.append("warning: \(warning.message)") }
        for error in errors { lines.append("error: \(error.message)") }
        lines.append("\(errors.count) errors, \(warnings.count) warnings")
        return lines.joined(separator: "\n")
    }

    private func percentage(_ part: Int, of whole: Int) -> String {
        let thousandths = Int((Double(part) / Double(whole) * 100_000).rounded())
        let text = "\(thousandths / 1000)." + String(thousandths % 1000 + 1000).dropFirst() + " %"
        return text.padded(to: 10, .right)
    }
}

extension String {
    enum Side { case left, right }

    /// At least `width` characters, the text at the given side.
    func padded(to width: Int, _ side: Side = .left) -> String {
        let blanks = String(repeating: " ", count: max(0, width - count))
        return side == .left ? self + blanks : blanks + self
    }
}
