import Configurations
import Tensors

extension ProductEngine {
    /// What `engine.gemm` names.
    public init(_ engine: Configuration.Engine) {
        switch engine.gemm {
        case .native: self = .native
        case .openblas: self = .openBLAS
        }
    }
}
