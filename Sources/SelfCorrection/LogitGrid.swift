/// Where logits live and where they are judged: maps at stride 4 and labels at full size.
public struct LogitGrid: Hashable, Sendable {
    /// Rows of the logit map.
    public let height: Int
    /// Columns of the logit map.
    public let width: Int
    /// Channels of the logit map.
    public let classes: Int
    /// Rows of labels, masks and probabilities.
    public let labelHeight: Int
    /// Columns of labels, masks and probabilities.
    public let labelWidth: Int

    /// All extents must be positive, with 2 to 254 classes.
    public init(height: Int, width: Int, classes: Int, labelHeight: Int, labelWidth: Int) {
        precondition(
            height > 0 && width > 0 && labelHeight > 0 && labelWidth > 0 && classes > 1
                && classes < 255,
            "logits [\(height), \(width), \(classes)] for labels [\(labelHeight), \(labelWidth)]")
        self.height = height
        self.width = width
        self.classes = classes
        self.labelHeight = labelHeight
        self.labelWidth = labelWidth
    }

    /// Elements of one image's logits.
    public var logitCount: Int { height * width * classes }
    /// Pixels of one image's labels.
    public var labelCount: Int { labelHeight * labelWidth }

    /// The pairs of neighbouring logit rows between which label rows are interpolated; one if
    /// there is a single logit row.
    var intervals: Int { max(height - 1, 1) }

    /// Label rows between logit rows `interval` and `interval + 1`; the last interval has its end too.
    func labelRows(in interval: Int) -> Range<Int> {
        if intervals == 1 { return 0..<labelHeight }
        if labelHeight == 1 { return interval == 0 ? 0..<1 : 1..<1 }
        let first = { (row: Int) in
            (row * (self.labelHeight - 1) + self.height - 2) / (self.height - 1)
        }
        return first(interval)..<(interval == intervals - 1 ? labelHeight : first(interval + 1))
    }

    /// Weight of the interval's lower logit row in a label row of it (aligned corners).
    func lowerWeight(ofLabelRow row: Int, in interval: Int) -> Float {
        if height == 1 || labelHeight == 1 { return 0 }
        let excess = row * (height - 1) - interval * (labelHeight - 1)
        return Float(excess) / Float(labelHeight - 1)
    }
}
