/// What the coordinator's program decides before it starts its machine.
package struct CoordinatorSettings: Equatable, Sendable {
    /// What is left of the run's earlier processes.
    package enum Predecessors: Equatable, Sendable {
        /// The run begins.
        case none
        /// All of them are gone: the run goes on from its checkpoint.
        case gone(RecoveredRun)
        /// Servers and workers may still be at work; they greet again.
        case alive(RecoveredRun)
    }

    package let run: RunID
    package let coordinatorTerm: CoordinatorTerm
    package let configuration: Frame
    package let configurationHash: ContentHash
    package let plan: RunPlan
    /// Servers that a start from a checkpoint waits for.
    package let serverCount: Int
    /// The first leases wait for so many workers, or for `Limits.firstLeasesMilliseconds`.
    package let hintedWorkerCount: Int
    /// Nil lets the first worker's class be the run's.
    package let numericsClass: NumericsClass?
    /// The engine whose class counts; nil takes what workers name.
    package let numericsEngine: NumericsEngine?
    package let numericsPolicy: NumericsPolicy
    /// Initial values, or the checkpoint to go on from.
    package let source: LoadSource
    package let startVersion: Version
    package let predecessors: Predecessors
    /// The version that the ledger has reached.
    package let recordedThrough: Version

    package init(
        run: RunID, coordinatorTerm: CoordinatorTerm, configuration: Frame,
        configurationHash: ContentHash, plan: RunPlan, serverCount: Int, hintedWorkerCount: Int,
        numericsClass: NumericsClass? = nil, numericsEngine: NumericsEngine? = nil,
        numericsPolicy: NumericsPolicy, source: LoadSource, startVersion: Version,
        predecessors: Predecessors = .none, recordedThrough: Version? = nil
    ) {
        self.run = run
        self.coordinatorTerm = coordinatorTerm
        self.configuration = configuration
        self.configurationHash = configurationHash
        self.plan = plan
        self.serverCount = serverCount
        self.hintedWorkerCount = hintedWorkerCount
        self.numericsClass = numericsClass
        self.numericsEngine = numericsEngine
        self.numericsPolicy = numericsPolicy
        self.source = source
        self.startVersion = startVersion
        self.predecessors = predecessors
        self.recordedThrough = recordedThrough ?? startVersion
    }

    var recovered: RecoveredRun? {
        switch predecessors {
        case .none: nil
        case .gone(let run), .alive(let run): run
        }
    }
}
