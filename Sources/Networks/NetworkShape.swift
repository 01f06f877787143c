import Tensors

/// Everything that decides the operations of the three networks, except batch and image size.
public struct NetworkShape: Hashable, Sendable {
    /// How box masks come to the size of a feature map.
    public enum BoxResize: String, Hashable, Sendable, Codable, CaseIterable {
        /// Mean over the covered area: no box is lost.
        case area
        /// Aligned corners: on 16k + 1 grids one sample per cell.
        case bilinear
        /// Aligned corners, one sample per cell.
        case nearest
    }

    /// How the convolutions of pyramid and decoder begin.
    public enum HeadInitialisation: String, Hashable, Sendable, Codable, CaseIterable {
        /// Each layer as in the original (segmentation.md §1.2).
        case tensorflow
        /// Uniform in ±1/√(fan in) for all, PyTorch's default.
        case fanIn = "fan-in"

        /// The original's initialiser, or what replaces it.
        func choose(_ original: Initialiser) -> Initialiser {
            self == .tensorflow ? original : .fanInUniform
        }
    }

    /// How taps begin that reach nothing but padding wherever the kernel lies.
    ///
    /// Where the rate is at least the side of the feature map, a 3×3 filter degenerates to a 1×1 one
    /// (Chen et al. 2017, DeepLabv3, §3.3) and its outer taps have no gradient. On larger maps, as
    /// where whole images are evaluated after training on crops, they act with the values that they
    /// began with.
    public enum UnreachableTaps: String, Hashable, Sendable, Codable, CaseIterable {
        /// At 0, where descent and weight decay leave them: larger maps see the filter that was trained.
        case zero
        /// As the filter's other taps: noise on larger maps.
        case drawn

        /// What a 3×3 kernel begins with that is drawn by `initialiser` where its taps are reached.
        func choose(
            _ initialiser: Initialiser, dilation: Int, height: Int, width: Int
        ) -> Initialiser {
            self == .zero && dilation >= max(height, width) ? .centreTap(initialiser) : initialiser
        }
    }

    /// Classes of the logits.
    public var classes: Int
    /// Channels of the box masks: the classes, channel 0 being what no box covers.
    public var boxChannels: Int
    /// The network before the pyramid.
    public var backbone: Backbone
    /// Input pixels per position of the backbone's deepest feature.
    public var outputStride: OutputStride = .sixteen
    /// Channels of each branch of the pyramid and of its projection.
    public var asppChannels = 256
    /// Channels to which the decoder projects the low-level feature.
    public var lowLevelChannels = 48
    /// Channels of the decoder's two convolutions.
    public var decoderChannels = 256
    /// Share that the dropout after the pyramid's projection keeps, in (0, 1].
    public var dropoutKeep: Float = 0.9
    /// Added to the variance in the backbone's batch norms.
    public var backboneEpsilon: Float = 1e-3
    /// Added to the variance in the batch norms of pyramid and decoder.
    public var headEpsilon: Float = 1e-5
    /// Moving-average decay of the backbone's batch norms.
    public var backboneDecay: Double
    /// Moving-average decay of the batch norms of pyramid and decoder.
    public var headDecay = 0.9997
    /// How the convolutions of pyramid and decoder begin.
    public var headInitialisation = HeadInitialisation.tensorflow
    /// How those taps of the pyramid begin that reach nothing but padding.
    public var unreachableTaps = UnreachableTaps.zero
    /// Initial bias of the box gates; 0 gives an attention of about ½.
    public var gateBias: Float = 0
    /// Deviation of the truncated normal that the gates' weights are drawn from.
    public var gateDeviation: Float = 0.01
    /// How box masks come to the size of the features that they gate.
    public var boxResize = BoxResize.area
    /// The convolutional corrector.
    public var corrector = CorrectorShape()

    /// The reference's defaults; `classes` ≥ 2.
    public init(classes: Int, backbone: Backbone) {
        precondition(classes >= 2, "a network needs at least two classes, not \(classes)")
        self.classes = classes
        self.boxChannels = classes
        self.backbone = backbone
        self.backboneDecay = backbone.decay
    }

    /// The configured moving-average decay of a running mean or variance.
    public func movingAverageDecay(of statistic: ParameterDeclaration) -> Double {
        precondition(statistic.role == .statistic, "\(statistic.name) has no moving average")
        return Backbone.owns(statistic) ? backboneDecay : headDecay
    }
}

/// The convolutional corrector's own choices.
public struct CorrectorShape: Hashable, Sendable {
    /// Channels between its two convolutions.
    public var channels = 128
    /// What follows the second convolution; the paper says ReLU.
    public var finalActivation = Activation.relu
    /// Initial bias of the second convolution: with 0 a final ReLU leaves half the outputs dead.
    public var outputBias: Float = 1

    /// The paper's corrector.
    public init() {}
}

/// Input pixels per position of the deepest feature map.
public enum OutputStride: Int, Hashable, Sendable, Codable, CaseIterable {
    case eight = 8
    case sixteen = 16

    /// Dilations of the pyramid's three separable branches.
    public var pyramidDilations: [Int] { [6, 12, 18].map { $0 * 16 / rawValue } }
}
