import TrainingProtocol

/// One process of the simulated cluster: its machine, and the memory of its jobs.
struct SimulatedProcess: Sendable {
    enum Machine: Sendable {
        case coordinator(CoordinatorMachine)
        case server(ServerMachine)
        case worker(WorkerMachine)
    }

    let name: String
    let incarnation: Incarnation
    var machine: Machine
    var isAlive = true
    var termination: TerminationReason?
    /// Of a worker: by chunk id, what its runner holds.
    var loaded: [[Float]?] = []
    /// Of a server: by chunk id, what it holds.
    var state: [SyntheticWorkload.ChunkState?] = []
    /// Jobs take effect in the order they were started, so a later one never ends earlier.
    var busyUntil = Instant(nanoseconds: 0)

    mutating func handle(_ event: Event, at now: Instant, into effects: inout [Effect]) {
        switch machine {
        case .coordinator(var machine):
            machine.handle(event, at: now, into: &effects)
            self.machine = .coordinator(machine)
        case .server(var machine):
            machine.handle(event, at: now, into: &effects)
            self.machine = .server(machine)
        case .worker(var machine):
            machine.handle(event, at: now, into: &effects)
            self.machine = .worker(machine)
        }
    }

    var role: Role {
        switch machine {
        case .coordinator: .coordinator
        case .server: .server
        case .worker: .worker
        }
    }
}
