/// Why a ledger cannot be opened, read or written.
package enum LedgerError: Error, Equatable, CustomStringConvertible {
    case missing(file: String)
    /// The operating system refused.
    case inputOutput(file: String, during: String, SystemCallError)
    case violation(file: String, LedgerViolation)
    /// The run is to go on from a version that the ledger has not come to.
    case behind(file: String, recordedThrough: UInt64, wanted: UInt64)

    package var description: String {
        switch self {
        case .missing(let file):
            "\(file): there is no ledger; give the directory of a run of this version of Emend"
        case .inputOutput(let file, let call, let error): "\(file): \(call): \(error)"
        case .violation(let file, let violation): "\(file): \(violation)"
        case .behind(let file, let recorded, let wanted):
            "\(file): ends at version \(recorded) and cannot go on from version \(wanted); "
                + "resume from a checkpoint that is not newer than the ledger"
        }
    }
}
