import Networks

/// How an image is segmented after training: the paper's protocol with its switches
/// (segmentation.md §2.4).
public struct InferenceOptions: Hashable, Sendable {
    /// Whether images are also judged in a mirror.
    public enum Mirroring: Hashable, Sendable {
        case none
        /// Each scale is also judged on the mirrored image.
        case added
    }

    /// Sizes at which the padded image is judged, 1 = its own.
    public var scales: [Double]
    /// Whether the mirrored image is judged too.
    public var mirroring: Mirroring
    /// That of the encoder; the parameters fit either.
    public var outputStride: OutputStride

    /// Throws `TrainingError.schedule` for scales that no image can have.
    public init(scales: [Double] = [1], mirroring: Mirroring = .none, outputStride: OutputStride)
        throws
    {
        guard !scales.isEmpty, scales.allSatisfy({ $0 >= 0.1 && $0 <= 8 }) else {
            throw TrainingError.schedule(
                "evaluation at the scales \(scales): give one or more numbers from 0.1 to 8")
        }
        self.scales = scales
        self.mirroring = mirroring
        self.outputStride = outputStride
    }

    /// Single scale without mirroring: the class of the largest upsampled logit, no softmax.
    var isPlain: Bool { scales == [1] && mirroring == .none }
}
