import CKernels

/// Which level of the kernels a process computes with; all levels give the same bits.
public enum InstructionSet: String, CaseIterable, Sendable {
    /// The fastest that the processor has.
    case auto
    /// Any processor; serves tests.
    case generic
    case avx2
    case avx512
    case neon

    /// The processor or this build lacks a level that was asked for.
    public struct Missing: Error, CustomStringConvertible {
        /// What was asked for.
        public let wanted: InstructionSet
        /// What there is, slowest first.
        public let present: [InstructionSet]

        /// What is missing and what there is.
        public var description: String {
            "--isa \(wanted.rawValue): this processor has no \(wanted.rawValue); it has "
                + present.map(\.rawValue).joined(separator: ", ")
        }
    }

    /// The levels of this machine, slowest first.
    public static var present: [InstructionSet] {
        allCases.filter { $0 != .auto && ck_table_for($0.level) != nil }
    }

    /// The kernels of the level; throws ``Missing`` where the machine lacks it.
    public func kernels() throws -> UnsafePointer<ck_table> {
        guard let table = ck_table_for(level) else {
            throw Missing(wanted: self, present: Self.present)
        }
        return table
    }

    /// Whether nothing faster than plain loops was found, which is dozens of times slower.
    public var fallsToGeneric: Bool { self == .auto && level == CK_GENERIC }

    private var level: ck_isa {
        switch self {
        case .auto: ck_best_isa()
        case .generic: CK_GENERIC
        case .avx2: CK_AVX2
        case .avx512: CK_AVX512
        case .neon: CK_NEON
        }
    }
}
