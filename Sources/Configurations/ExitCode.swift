/// Exit codes of every Emend process: those of sysexits.h, and 128 + signal.
public enum ExitCode: Int32, Sendable, CaseIterable {
    case success = 0
    /// Training failed: it diverged, or a defect was found.
    case trainingFailed = 1
    /// The command line is wrong.
    case usage = 64
    /// Bad data or labels, or no checkpoint that loads.
    case dataError = 65
    case inputMissing = 66
    /// A peer cannot be reached: rendezvous or lease deadline passed.
    case unavailable = 69
    case internalError = 70
    case cannotCreate = 73
    /// Input or output failed, as with a full disk.
    case inputOutputError = 74
    /// Temporary: running it again may succeed.
    case temporaryFailure = 75
    /// A key or build is not admitted.
    case notPermitted = 77
    /// The configuration is wrong, or a self-test of the machine failed.
    case configuration = 78
    /// SIGINT, after a checkpoint was saved.
    case interrupted = 130
    /// SIGTERM, after a checkpoint was saved.
    case terminated = 143
}
