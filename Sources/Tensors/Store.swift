import CKernels

/// Whether a result replaces what its place holds or is added to it.
enum Store {
    case overwrite, accumulate

    var factor: Float { self == .overwrite ? 0 : 1 }
    var kernel: ck_store { self == .overwrite ? CK_OVERWRITE : CK_ACCUMULATE }
}

extension Activation {
    var kernel: ck_activation {
        switch self {
        case .none: CK_NONE
        case .relu: CK_RELU
        case .relu6: CK_RELU6
        }
    }
}
