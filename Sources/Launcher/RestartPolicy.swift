/// What becomes of a process that died during a local run.
public enum RestartPolicy: String, Sendable, CaseIterable {
    /// It is started again.
    case auto
    /// The first death ends the run.
    case never
}
