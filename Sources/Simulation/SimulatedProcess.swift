import TrainingProtocol

/// One process of the simulated cluster: its machine, and the memory of its jobs.
struct SimulatedProcess: Sendable {
    let name: String
    let role: Role
    let incarnation: Incarnation
    /// Whoever takes a dead one's place runs on its host.
    let host: Int
    /// The one that `role` names; optionals, so that each is changed in place.
    var coordinator: CoordinatorMachine?
    var server: ServerMachine?
    var worker: WorkerMachine?
    var isAlive = false
    var termination: TerminationReason?
    /// Until then nothing that happens to it takes effect.
    var pausedUntil = Instant(nanoseconds: 0)
    /// Its slots take so many times as long as others'.
    var slowness: UInt64 = 1
    var clock = Clock()
    /// Servers that it has opened links to, by place in the simulation.
    var links: [(server: ServerIndex, place: Int)] = []
    /// Processes that have written to it, by place.
    var connections: [Int] = []
    /// Of a coordinator: the journal entry before which it does nothing, and the term it names.
    var opening: (job: JobID, term: CoordinatorTerm)?
    /// Of a worker: by chunk id, what its runner holds.
    var loaded: [[Float]?] = []
    /// Of a server: what it holds, by shard.
    var held: [(shard: ShardIndex, chunks: [ChunkID])] = []
    /// Of a server: by chunk id.
    var state: [SyntheticWorkload.ChunkState?] = []
    var storage = Storage()
    /// Jobs take effect in the order they were started, so a later one never ends earlier.
    var busyUntil = Instant(nanoseconds: 0)

    init(name: String, role: Role, incarnation: Incarnation, host: Int) {
        self.name = name
        self.role = role
        self.incarnation = incarnation
        self.host = host
    }

    /// What a process's clock shows: it started at another time, and it may run fast or slow.
    struct Clock: Sendable {
        var offsetNanoseconds: UInt64 = 0
        /// In thousandths of the true rate.
        var rate: UInt64 = 1_000

        func reading(at time: Instant) -> Instant {
            Instant(nanoseconds: offsetNanoseconds + time.nanoseconds / 1_000 * rate)
        }

        /// The moment at which the clock shows `reading`.
        func time(of reading: Instant) -> Instant {
            let elapsed = reading.nanoseconds - min(reading.nanoseconds, offsetNanoseconds)
            return Instant(nanoseconds: (elapsed / rate + 1) * 1_000)
        }
    }

    mutating func handle(_ event: Event, at now: Instant, into effects: inout [Effect]) {
        let reading = clock.reading(at: now)
        coordinator?.handle(event, at: reading, into: &effects)
        server?.handle(event, at: reading, into: &effects)
        worker?.handle(event, at: reading, into: &effects)
    }
}
