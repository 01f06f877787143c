import Configurations
import Tensors

extension ProductEngine {
    /// What `precision` and `engine.gemm` name: the products of a training step.
    public init(training configuration: Configuration) {
        switch (configuration.engine.gemm, configuration.precision) {
        case (.native, .float32): self = .native
        case (.native, .bf16): self = .nativeBFloat16(.pairs)
        case (.native, .bf16AMX): self = .nativeBFloat16(.tiles)
        // Validation refuses the library with another precision.
        case (.openblas, _): self = .openBLAS
        }
    }

    /// What `engine.gemm` names: the products with which a model is judged and used, in float32
    /// whatever it was trained in, hence on any machine.
    public init(inference configuration: Configuration) {
        switch configuration.engine.gemm {
        case .native: self = .native
        case .openblas: self = .openBLAS
        }
    }
}

extension ProductEngine {
    /// The first word of the numerics classes of machines with this engine.
    public var className: String {
        switch self {
        case .native: "portable"
        case .nativeBFloat16(.pairs): "bf16"
        case .nativeBFloat16(.tiles): "amx"
        case .openBLAS: "openblas"
        }
    }

    /// What a machine must have.
    public var requirement: String {
        switch self {
        case .native: "any processor"
        case .nativeBFloat16(let order): order.requirement
        case .openBLAS: "an OpenBLAS that runs in its caller's thread"
        }
    }
}
