/// One of the two networks that segment images.
public enum SegmentationModel: String, Codable, Hashable, Sendable, CaseIterable {
    /// p(y|x; φ), the network that is wanted.
    case primary
    /// p(y|x, b; θ), which also sees boxes.
    case ancillary

    /// The group of its weights.
    public var weightGroup: TensorGroup { self == .primary ? .primary : .ancillary }

    /// The group of its running means and variances.
    public var statisticsGroup: TensorGroup {
        self == .primary ? .primaryStatistics : .ancillaryStatistics
    }

    /// The groups that the network computes with.
    public var groups: [TensorGroup] { [weightGroup, statisticsGroup] }
}
