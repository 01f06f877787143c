/// Everything that fixes what a run computes: two runs with equal configurations (and one numerics
/// class) end with the same parameters, whatever machines took part.
///
/// The defaults are those of the paper (Ibrahim et al., CVPR 2020) and of the DeepLab code it used.
public struct Configuration: Codable, Sendable, Equatable {
    /// Seed of every random stream of the run.
    public var seed: UInt64 = 0
    /// Where the targets of weak images come from.
    public var method: Method = .linear
    /// The primary model.
    public var network = Network()
    /// The ancillary model.
    public var ancillary = Ancillary()
    /// The corrector of method `convolutional`.
    public var corrector = Corrector()
    /// Slots and images of a step.
    public var slots = Slots()
    /// Lengths and learning rates.
    public var phases = Phases()
    /// The update rule of all weights.
    public var optimizer = Optimizer()
    /// The schedule of method `linear`.
    public var alpha = Alpha()
    /// Factors of the loss terms.
    public var loss = Loss()
    /// What becomes of gradients that make no sense.
    public var gradients = Gradients()
    /// The biases of method `em-fixed`.
    public var emFixed = EMFixed()
    /// Images, masks and boxes.
    public var data = DataSet()
    /// How models are measured.
    public var evaluate = Evaluate()
    /// When checkpoints are written and how long they stay.
    public var checkpoint = CheckpointRule()
    /// What the operands of matrix products are rounded to.
    public var precision: Precision = .float32
    /// What computes.
    public var engine = Engine()
    /// Which workers may take part.
    public var numerics = Numerics()
    /// How parameters travel.
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
        /// The networks before the pyramid.
        public enum Backbone: String, Codable, Sendable, CaseIterable {
            case mobilenetv2, xception65, tiny

            /// Default of `network.backboneDecay`: the original's.
            public var decay: Double { self == .xception65 ? 0.9997 : 0.997 }
        }

        /// How the convolutions of pyramid and decoder begin.
        public enum HeadInitialisation: String, Codable, Sendable, CaseIterable {
            /// Each layer as in the original.
            case tensorflow
            /// Uniform in ±1/√(fan in), PyTorch's default.
            case fanIn = "fan-in"
        }

        /// How taps of the pyramid begin that see nothing but padding at the training crop.
        public enum UnreachableTaps: String, Codable, Sendable, CaseIterable {
            /// At 0, where training leaves them.
            case zero
            /// As the other taps.
            case drawn
        }

        /// The network before the pyramid.
        public var backbone: Backbone = .mobilenetv2
        /// Factor on the backbone's channel counts.
        public var depthMultiplier: Double = 1
        /// Input size over the size of the encoder's output: 16 or 8.
        public var outputStride: Int = 16
        /// Channels of each branch of the pyramid and of its projection.
        public var asppChannels: Int = 256
        /// Channels to which the decoder projects the low-level feature.
        public var lowLevelChannels: Int = 48
        /// Channels of the decoder's two convolutions.
        public var decoderChannels: Int = 256
        /// Share of the features that dropout keeps, after the pyramid's projection.
        public var dropoutKeep: Double = 0.9
        /// Added to the variance in the backbone's batch norms.
        public var backboneEpsilon: Double = 1e-3
        /// Added to the variance in the batch norms of pyramid and decoder.
        public var headEpsilon: Double = 1e-5
        /// Decay of the backbone's running batch-norm statistics per step; where nothing sets it,
        /// resolving takes the backbone's own.
        public var backboneDecay: Double = 0.997
        /// Likewise, of pyramid and decoder.
        public var headDecay: Double = 0.9997
        /// How the convolutions of pyramid and decoder begin.
        public var headInitialisation: HeadInitialisation = .tensorflow
        /// How taps of the pyramid begin that see nothing but padding at the training crop.
        ///
        /// These are the outer taps of an atrous convolution whose rate is at least the side of the
        /// feature map of `data.crop`: they have no gradient, but images larger than the crop reach
        /// them. Given weights stay as they are.
        public var unreachableTaps: UnreachableTaps = .zero
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
        /// Initial bias of the box gates; 0 gives an attention of about ½.
        public var gateBias: Double = 0
        /// Deviation of the initial weights of the gates.
        public var gateDeviation: Double = 0.01
        /// How box masks come to the size of the features that they gate.
        public var boxResize: BoxResize = .area
    }

    /// The convolutional corrector, equation 6.
    public struct Corrector: Codable, Sendable, Equatable {
        /// Channels between its two convolutions.
        public var channels: Int = 128
        /// Whether a ReLU follows the second convolution, as in the paper.
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
        /// One phase.
        public struct Phase: Codable, Sendable, Equatable {
            /// Commits of the phase; 0 leaves out a phase that the method does not need.
            public var steps: Int = 30_000
            /// Base learning rate; null: `optimizer.learningRate`.
            public var learningRate: Double?
        }

        /// The ancillary model on F, or on half of F for method `convolutional`.
        public var ancillary = Phase()
        /// Primary and corrector on F; method `convolutional` alone.
        public var warmup = Phase()
        /// The primary on F and W.
        public var main = Phase()
    }

    /// How a commit changes weights.
    public struct Optimizer: Codable, Sendable, Equatable {
        /// The update rules.
        public enum Rule: String, Codable, Sendable, CaseIterable { case sgd, adamw }

        /// SGD with momentum as in the paper, or AdamW.
        public var rule: Rule = .sgd
        /// Of a phase that names none, at its first step.
        public var learningRate: Double = 0.007
        /// Of `sgd`.
        public var momentum: Double = 0.9
        /// On all convolutions but depthwise ones; decoupled for `adamw`.
        public var weightDecay: Double = 4e-5
        /// Exponent of the polynomial schedule lr(t) = lr(0)·(1 − t/T)^power.
        public var power: Double = 0.9
        /// Of `adamw`: decay of the first moment.
        public var beta1: Double = 0.9
        /// Of `adamw`: decay of the second moment.
        public var beta2: Double = 0.999
        /// Of `adamw`: added to the root of the second moment.
        public var epsilon: Double = 1e-8
        /// Factor on the learning rate of biases.
        public var biasLearningRateMultiplier: Double = 2
    }

    /// α of the linear self-correction: from·(to/from)^(t/T).
    public struct Alpha: Codable, Sendable, Equatable {
        /// α at the first step of `main`.
        public var from: Double = 30
        /// α after the last step of `main`.
        public var to: Double = 0.5
    }

    /// Factors of the loss.
    public struct Loss: Codable, Sendable, Equatable {
        /// Factor on the whole loss.
        public var weight: Double = 1
        /// Factor on the term of the labelled images.
        public var labelled: Double = 1
        /// Factor on the term of the weak images.
        public var weak: Double = 1
    }

    /// The gate that every slot's gradients pass.
    public struct Gradients: Codable, Sendable, Equatable {
        /// What becomes of a step with a slot that is not finite or beyond the cap.
        public enum BadSlot: String, Codable, Sendable, CaseIterable {
            /// The step changes no parameter; it is recorded as skipped.
            case skip
            /// The run ends, naming step, slot and images.
            case stop
        }

        /// What the elements of a sum of gradients are rounded to.
        public enum Format: String, Codable, Sendable, CaseIterable {
            /// They stay as they are.
            case float32
            /// bfloat16: half the bytes on the way to the servers.
            case bf16
        }

        /// The largest magnitude that an element of a slot's gradient may have.
        ///
        /// Training that makes sense stays orders of magnitude below the default.
        public var cap: Double = 1e6
        /// Whether the run outlives such a slot.
        public var badSlot: BadSlot = .skip
        /// How gradients of weights travel; sums are rounded to it at every node of the tree.
        public var format: Format = .float32
    }

    /// Logit biases of the EM-fixed baseline.
    public struct EMFixed: Codable, Sendable, Equatable {
        /// Added to the background's logit everywhere.
        public var background: Double = 5
        /// Added to the logit of each class whose box covers the pixel.
        public var foreground: Double = 6
    }

    /// What is trained and measured on; the root folder is an option of each process.
    public struct DataSet: Codable, Sendable, Equatable {
        /// The layouts of data sets.
        public enum Format: String, Codable, Sendable, CaseIterable { case voc }
        /// What `supervised` trains on.
        public enum Pool: String, Codable, Sendable, CaseIterable { case labelled, all }
        /// What happens when a file cannot be read.
        public enum BadFile: String, Codable, Sendable, CaseIterable { case stop, substitute }

        /// Pascal VOC.
        public var format: Format = .voc
        /// F: a list's name or file; null: the list `train`.
        public var labelled: String?
        /// W: a list's name or file; null: what `supervised` leaves of F's list.
        public var weak: String?
        /// Draws this many images of F's list as F; the others become W.
        public var supervised: Int?
        /// Seed of the choice that `supervised` makes.
        public var splitSeed: UInt64 = 0
        /// For method `supervised`: F, or F and W with all their masks.
        public var pool: Pool = .labelled
        /// List of the validation images.
        public var validation: String = "val"
        /// Side of the square training crop in pixels, of the form 16k+1.
        public var crop: Int = 321
        /// Factors on the image before the crop, equally likely.
        public var scales: [Double] = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
        /// Whether half of the crops are mirrored.
        public var flip: Bool = true
        /// Stop the run at its start, or let the next whole image of the list stand in.
        public var badFile: BadFile = .stop
        /// Where boxes come from: `xml`, `masks` or `coco:FILE`.
        public var boxes: String = "xml"
        /// A safetensors recording whose batches are replayed instead of drawn.
        public var recording: String?
    }

    /// How and when models are measured.
    public struct Evaluate: Codable, Sendable, Equatable {
        /// Steps between evaluations of the validation list; 0: at the end only.
        public var every: Int = 0
        /// Scales to average over; 1 is the image's own size.
        public var scales: [Double] = [1]
        /// Whether each image is also judged mirrored.
        public var flip: Bool = false
        /// Null: `network.outputStride`.
        public var outputStride: Int?
    }

    /// When checkpoints are written and which stay.
    public struct CheckpointRule: Codable, Sendable, Equatable {
        /// Steps between checkpoints; 0: at the start and the end only.
        public var every: Int = 1000
        /// How many of the newest are kept, besides the best.
        public var keep: Int = 3
    }

    /// What the operands of a slot's matrix products are rounded to; all else is float32.
    public enum Precision: String, Codable, Sendable, CaseIterable {
        /// They stay as they are.
        case float32
        /// To bfloat16, with sums in float32; needs a processor with AVX-512 BF16.
        case bf16
        /// Likewise, in the order of AMX BF16, which the processor must have.
        case bf16AMX = "bf16-amx"
    }

    /// What computes a slot.
    public struct Engine: Codable, Sendable, Equatable {
        /// What multiplies matrices.
        public enum Products: String, Codable, Sendable, CaseIterable {
            /// Our own kernels: the same bits on every processor.
            case native
            /// The library, whose bits depend on the processor.
            case openblas
        }

        /// What multiplies matrices.
        public var gemm: Products = .native
    }

    /// Which numerics classes take part.
    public struct Numerics: Codable, Sendable, Equatable {
        /// What becomes of a worker of another class.
        public enum Admission: String, Codable, Sendable, CaseIterable { case strict, loose }

        /// Whether workers of another numerics class are refused.
        public var admission: Admission = .strict
        /// The only class admitted; null: that of the first worker.
        public var `class`: String?
    }

    /// How parameters travel.
    public struct ProtocolLimits: Codable, Sendable, Equatable {
        /// Which version of the parameters a step reads.
        public var consistency: Consistency = .sync
        /// Largest size of a chunk of parameters, in MiB.
        public var chunkMebibytes: Int = 4
    }
}
