import Checkpoints
import Configurations
import Datasets
import Foundation
import Ledger
import Telemetry
import Tensors
import Training
import TrainingProtocol
import Transport

extension ExitCode {
    /// The code with which a program ends on an error, after sysexits.h.
    public init(for error: any Error) {
        self =
            switch error {
            case let error as ConfigurationError: error.exitCode
            case let error as DatasetError: ExitCode(rawValue: error.exitStatus) ?? .dataError
            case let error as CheckpointError: ExitCode(error.kind)
            case let error as LedgerError: ExitCode(error)
            case let error as TrainingError: ExitCode(error)
            case let error as RoleError: error.exitCode
            case let error as Observer.Failure: error.exitCode
            case is OpenBLAS.WrongBuild, is InstructionSet.Missing, is MissingBFloat16:
                .configuration
            case let error as TransportError: ExitCode(transport: error)
            // Foundation's word for a file that cannot be read or written, as on a full disk.
            case is MetricsError, is CocoaError: .inputOutputError
            default: .internalError
            }
    }

    private init(_ kind: CheckpointError.Kind) {
        self =
            switch kind {
            case .missing: .inputMissing
            case .corrupt: .dataError
            case .inputOutput: .inputOutputError
            case .inUse: .cannotCreate
            }
    }

    private init(_ error: LedgerError) {
        self =
            switch error {
            case .missing: .inputMissing
            case .violation, .behind: .dataError
            case .inputOutput: .inputOutputError
            }
    }

    private init(_ error: TrainingError) {
        self =
            switch error {
            case .schedule, .memory: .configuration
            case .weights, .recording, .evaluation: .dataError
            }
    }

    private init(transport error: TransportError) {
        self =
            switch error {
            case .invalidEndpoint, .exposedEndpoint: .configuration
            case .addressInUse, .addressUnavailable: .unavailable
            case .permissionDenied: .notPermitted
            case .system: .temporaryFailure
            }
    }

    /// The code of a role that ended for this reason.
    init(for reason: TerminationReason) {
        self =
            switch reason {
            case .completed, .drained: .success
            case .stopped: .terminated
            case .aborted: .interrupted
            case .refused(let refusal): ExitCode(refusal.code)
            case .serverLost, .coordinatorLost, .deadlinePassed: .unavailable
            case .jobFailed(let failure), .slotsRefused(_, _, let failure): ExitCode(failure.kind)
            case .checkpointFailed: .inputOutputError
            case .runFailed, .inconsistent, .notFinite, .contributionRefused, .pullRefused:
                .trainingFailed
            }
    }

    private init(_ code: Refusal.Code) {
        self =
            switch code {
            case .protocolVersion, .build, .configuration, .numericsClass: .configuration
            case .run, .noVacancy, .coordinatorTerm, .shardTerm, .declaredLost, .finished:
                .temporaryFailure
            case .malformed: .internalError
            }
    }

    private init(_ kind: JobFailure.Kind) {
        self =
            switch kind {
            case .data: .dataError
            case .storage: .inputOutputError
            case .configuration: .configuration
            case .computation: .trainingFailed
            }
    }
}

extension JobFailure {
    /// A job's error as the machines tell it on.
    init(_ error: any Error) {
        let kind: Kind =
            switch ExitCode(for: error) {
            case .dataError, .inputMissing: .data
            case .inputOutputError, .cannotCreate: .storage
            case .configuration: .configuration
            default: .computation
            }
        self.init(kind: kind, explanation: "\(error)")
    }
}
