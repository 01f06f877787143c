/// Where boxes come from.
public enum BoxSource: Hashable, Sendable, Codable {
    /// `Annotations/*.xml`; a labelled or validation image without one has boxes from its mask.
    case annotations
    /// Masks of labelled and validation images; weak images still need annotations.
    case masks
    /// A COCO instances file, its path relative to the root of the data set or absolute.
    case coco(String)
}

/// What happens when a file of a training image is missing or damaged.
public enum BadFilePolicy: String, Hashable, Sendable, Codable {
    /// The run stops at its start and names the file.
    case stop
    /// The next whole image of the same list stands in, for every process alike.
    case substitute
}

/// Which masks may be opened.
public enum MaskAccess: String, Hashable, Sendable, Codable {
    /// Those of labelled and validation images: a weak image's mask is never opened.
    case labelled
    /// Those of every image, for fully supervised training.
    case all
}

/// Which images of a Pascal VOC layout are used, and how.
public struct DatasetOptions: Hashable, Sendable {
    /// Folder with `JPEGImages`, `SegmentationClass`, `Annotations` and `ImageSets`.
    public var root: String
    /// F: name of a list in `ImageSets/Segmentation`, or a file (a path with `/` or `.txt`).
    public var labelled: String?
    /// W, likewise; nil = none, or with `supervised` what F leaves over.
    public var weak: String?
    /// Draws F of this many images from the list `labelled` (default `train`) and makes the rest W.
    public var supervised: Int?
    /// Seed of the choice of F.
    public var splitSeed: UInt64
    /// The validation images: name of a list or a file.
    public var validation: String
    /// Which masks may be opened.
    public var maskAccess: MaskAccess
    /// Where boxes come from.
    public var boxes: BoxSource
    /// Smallest component in pixels that gets a box of its own.
    public var minimumComponentArea: Int
    /// What happens to damaged training images.
    public var badFile: BadFilePolicy
    /// Seed of order and augmentation.
    public var seed: UInt64
    /// Scales to choose from, each > 0.
    public var scales: [Double]
    /// Whether crops are mirrored.
    public var flip: Flip
    /// Decoded images kept in memory, in bytes.
    public var cacheByteCount: Int

    /// The defaults are those of the configuration.
    public init(
        root: String, labelled: String? = nil, weak: String? = nil, supervised: Int? = nil,
        splitSeed: UInt64 = 0, validation: String = "val", maskAccess: MaskAccess = .labelled,
        boxes: BoxSource = .annotations, minimumComponentArea: Int = 30,
        badFile: BadFilePolicy = .stop, seed: UInt64 = 0,
        scales: [Double] = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2], flip: Flip = .half,
        cacheByteCount: Int = 384 << 20
    ) {
        self.root = root
        self.labelled = labelled
        self.weak = weak
        self.supervised = supervised
        self.splitSeed = splitSeed
        self.validation = validation
        self.maskAccess = maskAccess
        self.boxes = boxes
        self.minimumComponentArea = minimumComponentArea
        self.badFile = badFile
        self.seed = seed
        self.scales = scales
        self.flip = flip
        self.cacheByteCount = cacheByteCount
    }
}
