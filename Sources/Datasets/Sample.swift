/// An image at its own size with what is known about it.
public struct Sample: Sendable {
    /// Name of the image without folder and extension.
    public let name: String
    /// The decoded image.
    public let image: RGBImage
    /// Nil for a weak image.
    public let labels: LabelMap?
    /// Its boxes, clipped to it.
    public let boxes: [BoundingBox]

    /// Takes the parts as they are.
    public init(name: String, image: RGBImage, labels: LabelMap?, boxes: [BoundingBox]) {
        self.name = name
        self.image = image
        self.labels = labels
        self.boxes = boxes
    }

    /// Multi-hot box masks `[height, width, classCount]` of the image padded at the bottom and
    /// right; padding counts as background.
    public func boxMasks(padded: PixelSize, classCount: Int) -> [Float] {
        BoxMasks.tensor(boxes, in: image.size, padded: padded, classCount: classCount)
    }

    var byteCount: Int {
        image.pixels.count + (labels?.labels.count ?? 0)
            + boxes.count * MemoryLayout<BoundingBox>.stride
    }
}

/// Box masks of an image at its own size.
public enum BoxMasks {
    /// Multi-hot masks `[height, width, classCount]`; see `CropView.boxes`.
    public static func tensor(
        _ boxes: [BoundingBox], in size: PixelSize, padded: PixelSize, classCount: Int
    ) -> [Float] {
        let choice = CropChoice(scale: 1, offsetY: 0, offsetX: 0, direction: .forward)
        let view = CropView(source: size, crop: padded, choice: choice)
        let count = padded.count * classCount
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialised in
            guard let base = buffer.baseAddress else { return }
            view.boxes(boxes, classCount: classCount, into: base)
            initialised = count
        }
    }
}
