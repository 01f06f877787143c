/// The set of training images that a phase draws from.
public enum SamplePool: String, Codable, Hashable, Sendable, CaseIterable {
    /// Images of F alone.
    case labelled
    /// The first ⌈|F|/2⌉ images of F: the ancillary phase of the convolutional method.
    case labelledHalf
    /// `labelled` images of F followed by images of W.
    case labelledAndWeak
    /// Images of F and W together, all with their masks: fully supervised training.
    case all
}

/// Names one slot of one step; everything in its batch is a pure function of this and the seed.
public struct BatchRequest: Hashable, Sendable {
    /// Where the images come from.
    public var pool: SamplePool
    /// Ordinal of the phase within the run: phases draw independent permutations.
    public var phaseIndex: Int
    /// Step counted from the start of the phase.
    public var stepInPhase: Int
    /// Slot within the step, in `0..<slotCount`.
    public var slot: Int
    /// V of DESIGN §3.
    public var slotCount: Int
    /// Images in the slot, b.
    public var batch: Int
    /// Images of the slot that come from F, f; equals `batch` unless the pool is `labelledAndWeak`.
    public var labelled: Int
    /// Size of each crop in pixels.
    public var crop: PixelSize
    /// Whether `SlotBatch.boxes` is filled; otherwise it is empty.
    public var boxes: BoxDemand

    /// Whether a batch has box masks.
    public enum BoxDemand: Hashable, Sendable { case needed, unused }

    /// Takes a request that makes sense: a slot below V, f ≤ b, and f = b but for `labelledAndWeak`.
    public init(
        pool: SamplePool, phaseIndex: Int, stepInPhase: Int, slot: Int, slotCount: Int,
        batch: Int, labelled: Int, crop: PixelSize, boxes: BoxDemand
    ) {
        precondition(slotCount > 0 && slot >= 0 && slot < slotCount, "slot \(slot) of \(slotCount)")
        precondition(batch > 0 && labelled >= 0 && labelled <= batch, "\(labelled) of \(batch)")
        precondition(stepInPhase >= 0 && phaseIndex >= 0, "step \(stepInPhase), \(phaseIndex)")
        precondition(
            pool == .labelledAndWeak || labelled == batch,
            "pool \(pool.rawValue) draws \(batch) labelled images, not \(labelled)")
        self.pool = pool
        self.phaseIndex = phaseIndex
        self.stepInPhase = stepInPhase
        self.slot = slot
        self.slotCount = slotCount
        self.batch = batch
        self.labelled = labelled
        self.crop = crop
        self.boxes = boxes
    }
}

/// The images of one slot: first the labelled ones, then the weak ones.
public struct SlotBatch: Sendable, Equatable {
    /// `[count, height, width, 3]`, RGB in [−1, 1]; padding is 0.
    public var images: [Float]
    /// `[labelledCount, height, width]`, class index, 255 = ignored.
    public var labels: [UInt8]
    /// `[count, height, width, classes]`, multi-hot; channel 0 where no box covers the pixel.
    public var boxes: [Float]
    /// `[count, height, width]`, 1 = pixel of the image, 0 = padding.
    public var valid: [UInt8]
    /// Images in the batch, b.
    public var count: Int
    /// Labelled images among them, f.
    public var labelledCount: Int
    /// Name of each image, in batch order.
    public var names: [String]

    /// Takes the parts as they are.
    public init(
        images: [Float], labels: [UInt8], boxes: [Float], valid: [UInt8],
        count: Int, labelledCount: Int, names: [String]
    ) {
        self.images = images
        self.labels = labels
        self.boxes = boxes
        self.valid = valid
        self.count = count
        self.labelledCount = labelledCount
        self.names = names
    }
}

/// Where slots get their images from.
public protocol BatchSource: Sendable {
    /// Class names in index order; index 0 is the background.
    var classNames: [String] { get }

    /// The batch of a slot, the same bits on every call and every machine.
    ///
    /// Throws `DatasetError` where a file is missing, damaged or not the one of the index.
    func batch(_ request: BatchRequest) throws -> SlotBatch
}
