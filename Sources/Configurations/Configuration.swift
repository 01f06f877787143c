/// Everything that fixes what a run computes: two runs with equal configurations (and one numerics
/// class) end with the same parameters, whatever machines took part.
///
/// The defaults are those of the paper (Ibrahim et al., CVPR 2020) and of the DeepLab code it used.
public struct Configuration: Codable, Sendable, Equatable {
    /// Seed of every random stream of the run.
    public var seed: UInt64 = 0
    public var method: Method = .linear
    public var network = Network()
    public var ancillary = Ancillary()
    public var corrector = Corrector()
    public var slots = Slots()
    public var phases = Phases()
    public var optimizer = Optimizer()
    public var alpha = Alpha()
    public var loss = Loss()
    public var emFixed = EMFixed()
    public var data = DataSet()
    public var evaluate = Evaluate()
    public var checkpoint = CheckpointRule()
    public var numerics = Numerics()
    public var `protocol` = ProtocolLimits()

    /// The paper's defaults.
    public init() {}
}

extension Configuration {
    /// How weak images are given targets.
    public enum Method: String, Codable, Sendable, CaseIterable {
        /// Cross-entropy on labelled images alone.
        case supervised
        /// Eq. 2: the ancillary model's probabilities are the targets.
        case none
        /// Eq. 3–5: softmax((l + α·a)/(1 + α)).
        case linear
        /// Eq. 6: a learned corrector, trained with the primary model.
        case convolutional
        /// Hard expectation–maximisation from boxes (Papandreou et al. 2015).
        case emFixed = "em-fixed"
    }

    /// The primary model: backbone, atrous spatial pyramid pooling, decoder.
    public struct Network: Codable, Sendable, Equatable {
        public enum Backbone: String, Codable, Sendable, CaseIterable { case mobilenetv2, tiny }

        public var backbone: Backbone = .mobilenetv2
        /// Factor on the backbone's channel counts.
        public var depthMultiplier: Double = 1
        /// Input size over the size of the encoder's output: 16 or 8.
        public var outputStride: Int = 16
        public var asppChannels: Int = 256
        public var lowLevelChannels: Int = 48
        public var decoderChannels: Int = 256
        /// Share of the features that dropout keeps, after the pyramid's projection.
        public var dropoutKeep: Double = 0.9
        public var backboneEpsilon: Double = 1e-3
        public var headEpsilon: Double = 1e-5
        /// Decay of the running batch-norm statistics per step.
        public var backboneDecay: Double = 0.997
        public var headDecay: Double = 0.9997
        /// Initial weights: a safetensors file or a run directory; null: drawn from `seed`.
        public var weights: String?
    }

    /// The ancillary model, which sees the boxes.
    public struct Ancillary: Codable, Sendable, Equatable {
        /// How box masks are brought to the size of a feature map.
        public enum BoxResize: String, Codable, Sendable, CaseIterable {
            case area, bilinear, nearest
        }

        /// A trained ancillary model (safetensors file or run directory); null: it is trained
        /// first.
        public var weights: String?
        public var gateBias: Double = 0
        public var boxResize: BoxResize = .area
    }

    /// The convolutional corrector, equation 6.
    public struct Corrector: Codable, Sendable, Equatable {
        public var channels: Int = 128
        public var finalReLU: Bool = true
        /// Whether the third term of equation 6 also reaches the primary model.
        public var backpropToPrimary: Bool = true
        /// Initial bias of the second convolution.
        public var outputBias: Double = 1
    }

    /// The V slots of a step, each of b images.
    public struct Slots: Codable, Sendable, Equatable {
        /// V, the slots of a step.
        public var count: Int = 4
        /// b, the images of a slot.
        public var batch: Int = 4
        /// f, the labelled images of a slot where weak images take part; null: b/2.
        public var labelled: Int?

        /// f with its default applied.
        public var labelledCount: Int { labelled ?? batch / 2 }
    }

    /// The lengths and base learning rates of the three phases.
    public struct Phases: Codable, Sendable, Equatable {
        public struct Phase: Codable, Sendable, Equatable {
            public var steps: Int = 30_000
            /// Base learning rate; null: `optimizer.learningRate`.
            public var learningRate: Double?
        }

        public var ancillary = Phase()
        public var warmup = Phase()
        public var main = Phase()
    }

    public struct Optimizer: Codable, Sendable, Equatable {
        public enum Rule: String, Codable, Sendable, CaseIterable { case sgd, adamw }

        public var rule: Rule = .sgd
        public var learningRate: Double = 0.007
        public var momentum: Double = 0.9
        public var weightDecay: Double = 4e-5
        /// Exponent of the polynomial schedule lr(t) = lr(0)·(1 − t/T)^power.
        public var power: Double = 0.9
        public var beta1: Double = 0.9
        public var beta2: Double = 0.999
        public var epsilon: Double = 1e-8
        /// Factor on the learning rate of biases.
        public var biasLearningRateMultiplier: Double = 2
    }

    /// α of the linear self-correction: from·(to/from)^(t/T).
    public struct Alpha: Codable, Sendable, Equatable {
        public var from: Double = 30
        public var to: Double = 0.5
    }

    public struct Loss: Codable, Sendable, Equatable {
        /// Factor on the whole loss.
        public var weight: Double = 1
        /// Factor on the term of the labelled images.
        public var labelled: Double = 1
        /// Factor on the term of the weak images.
        public var weak: Double = 1
    }

    /// Logit biases of the EM-fixed baseline.
    public struct EMFixed: Codable, Sendable, Equatable {
        public var background: Double = 5
        public var foreground: Double = 6
    }

    public struct DataSet: Codable, Sendable, Equatable {
        public enum Format: String, Codable, Sendable, CaseIterable { case voc }
        /// What `supervised` trains on.
        public enum Pool: String, Codable, Sendable, CaseIterable { case labelled, all }
        /// What happens when a file cannot be read.
        public enum BadFile: String, Codable, Sendable, CaseIterable { case stop, substitute }

        public var format: Format = .voc
        /// F: a list's name or file; null: the list `train`.
        public var labelled: String?
        /// W: a list's name or file; null: what `supervised` leaves of F's list.
        public var weak: String?
        /// Draws this many images of F's list as F; the others become W.
        public var supervised: Int?
        public var splitSeed: UInt64 = 0
        public var pool: Pool = .labelled
        /// List of the validation images.
        public var validation: String = "val"
        /// Side of the square training crop in pixels, of the form 16k+1.
        public var crop: Int = 321
        public var scales: [Double] = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
        public var flip: Bool = true
        public var badFile: BadFile = .stop
        /// Where boxes come from: `xml`, `masks` or `coco:FILE`.
        public var boxes: String = "xml"
        /// A safetensors recording whose batches are replayed instead of drawn.
        public var recording: String?
    }

    public struct Evaluate: Codable, Sendable, Equatable {
        /// Steps between evaluations of the validation list; 0: at the end only.
        public var every: Int = 0
        public var scales: [Double] = [1]
        public var flip: Bool = false
        /// Null: `network.outputStride`.
        public var outputStride: Int?
    }

    public struct CheckpointRule: Codable, Sendable, Equatable {
        /// Steps between checkpoints; 0: at the start and the end only.
        public var every: Int = 1000
        /// How many of the newest are kept, besides the best.
        public var keep: Int = 3
    }

    public struct Numerics: Codable, Sendable, Equatable {
        public enum Admission: String, Codable, Sendable, CaseIterable { case strict, loose }

        /// Whether workers of another numerics class are refused.
        public var admission: Admission = .strict
        /// The only class admitted; null: that of the first worker.
        public var `class`: String?
    }

    public struct ProtocolLimits: Codable, Sendable, Equatable {
        /// Largest size of a chunk of parameters, in MiB.
        public var chunkMebibytes: Int = 4
    }
}
