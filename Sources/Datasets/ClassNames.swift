/// The names of the classes: index 0 is the background.
public enum ClassNames {
    /// The 21 classes of Pascal VOC.
    public static let pascalVOC = [
        "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat",
        "chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant",
        "sheep", "sofa", "train", "tvmonitor",
    ]

    /// One name per line, the line's number from 0 being the index.
    ///
    /// Throws `DatasetError` for an empty line within, a name given twice, fewer than two or more
    /// than 255 names.
    static func parse(_ text: String, path: String) throws -> [String] {
        var names = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            String($0).trimmed
        }
        while names.last?.isEmpty == true { names.removeLast() }
        func wrong(_ line: Int, _ problem: String) -> DatasetError {
            DatasetError(
                .classNames, "\(path):\(line)", problem,
                remedy: "Give one class name per line, `background` first")
        }
        var lines: [String: Int] = [:]
        for (index, name) in names.enumerated() {
            guard !name.isEmpty else { throw wrong(index + 1, "the line is empty") }
            if let earlier = lines.updateValue(index + 1, forKey: name) {
                throw wrong(index + 1, "class `\(name)` is already on line \(earlier)")
            }
        }
        guard names.count >= 2 && names.count <= 255 else {
            throw wrong(1, "\(names.count) classes; there are 2 to 255")
        }
        return names
    }
}

extension StringProtocol {
    /// Without white space at either end.
    var trimmed: String {
        String(
            drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
