import Foundation

/// What `dataset check` found.
public struct DatasetReport: Codable, Hashable, Sendable {
    /// One thing found, and the image or list it concerns.
    public struct Finding: Codable, Hashable, Sendable {
        /// `DatasetError.Kind` of an error; `clipped`, `leakage`, … of a warning.
        public var kind: String
        public var message: String
    }

    public struct Split: Codable, Hashable, Sendable {
        public var images: Int
        public var images_with_mask: Int
        public var boxes: Int
    }

    public struct Class: Codable, Hashable, Sendable {
        public var index: Int
        public var name: String
        /// Pixels in the masks of F, and of W where they may be opened.
        public var training_pixels: Int
        public var validation_pixels: Int
        public var boxes: Int
    }

    public var root: String
    public var labelled: Split
    public var weak: Split
    public var validation: Split
    /// Every class in index order.
    public var classes: [Class]
    public var void_pixels: Int
    /// Smallest and largest image, as width × height.
    public var smallest_image: String?
    public var largest_image: String?
    public var errors: [Finding]
    public var warnings: [Finding]

    /// Whether a run on this data could not start or would deceive.
    public var isUsable: Bool { errors.isEmpty }

    /// One JSON object on one line.
    public var json: String {
        let encoder = JSONEncoder()
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
                "  \(name.padded(to: 11)) \(split.images) images, \(split.images_with_mask) masks, "
                    + "\(split.boxes) boxes")
        }
        if let smallest_image, let largest_image {
            lines.append("  \("sizes".padded(to: 11)) \(smallest_image) to \(largest_image)")
        }
        let width = max(12, classes.map(\.name.count).max() ?? 0)
        let trained = max(1, classes.reduce(0) { $0 + $1.training_pixels })
        let validated = max(1, classes.reduce(0) { $0 + $1.validation_pixels })
        lines.append(
            "  index \("class".padded(to: width))   training  validation    boxes")
        for entry in classes {
            lines.append(
                "  \(String(entry.index).padded(to: 5)) \(entry.name.padded(to: width)) "
                    + percentage(entry.training_pixels, of: trained) + " "
                    + percentage(entry.validation_pixels, of: validated) + "   "
                    + String(entry.boxes).padded(to: 8, .right))
        }
        lines.append("  void pixels: \(void_pixels)")
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
