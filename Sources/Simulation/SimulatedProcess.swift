import TrainingProtocol

/// One process of the simulated cluster: its machine, and the memory of its jobs.
struct SimulatedProcess: Sendable {
    let name: String
    let incarnation: Incarnation
    /// The one that `role` names; optionals, so that each is changed in place.
    var coordinator: CoordinatorMachine?
    var server: ServerMachine?
    var worker: WorkerMachine?
    var isAlive = true
    var termination: TerminationReason?
    /// Of a worker: by chunk id, what its runner holds.
    var loaded: [[Float]?] = []
    /// Of a server: by chunk id, what it holds.
    var state: [SyntheticWorkload.ChunkState?] = []
    /// Jobs take effect in the order they were started, so a later one never ends earlier.
    var busyUntil = Instant(nanoseconds: 0)

    mutating func handle(_ event: Event, at now: Instant, into effects: inout [Effect]) {
        coordinator?.handle(event, at: now, into: &effects)
        server?.handle(event, at: now, into: &effects)
        worker?.handle(event, at: now, into: &effects)
    }

    var role: Role {
        if coordinator != nil { return .coordinator }
        return server != nil ? .server : .worker
    }
}
