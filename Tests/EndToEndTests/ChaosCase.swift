import Testing

/// One run of the chaos matrix: a cluster's shape and what happens to it.
struct ChaosCase: CustomTestStringConvertible, Sendable {
    enum Faults: String, CaseIterable, Sendable {
        case none = "no fault"
        /// kill -9 of random processes, and in the end of all servers at once.
        case kills = "kill -9"
        /// SIGSTOP, and SIGCONT five seconds later.
        case pauses = "SIGSTOP 5 s"
        /// SIGTERM to the launcher and `--resume auto`, twice, with kills between.
        case resumes = "resumed twice"
    }

    /// One fault and the number of committed steps from which on it may strike.
    struct Strike {
        var step: Int
        var victim: Victim
    }

    enum Victim: Sendable {
        case role(String)
        /// All at once: both copies of every shard are gone.
        case allServers
        /// The whole run, which is resumed.
        case launcher
    }

    let workers: Int
    let servers: Int
    let faults: Faults

    var testDescription: String {
        "\(workers) workers x \(servers) servers, \(faults.rawValue)"
    }

    private static let shapes = [
        (2, 2), (3, 2), (1, 1), (5, 3), (2, 1), (3, 3), (1, 2), (5, 1), (2, 3), (5, 2), (3, 1),
        (1, 3),
    ]

    /// Every case; those in which most can go wrong come first.
    static let matrix = [Faults.kills, .resumes, .pauses, .none].flatMap { faults in
        shapes.map { ChaosCase(workers: $0.0, servers: $0.1, faults: faults) }
    }

    /// What every `make test` runs.
    static let sample = [
        ChaosCase(workers: 2, servers: 2, faults: .kills),
        ChaosCase(workers: 2, servers: 1, faults: .kills),
        ChaosCase(workers: 3, servers: 2, faults: .resumes),
    ]

    /// The faults, in order; a pure function of the case.
    var strikes: [Strike] {
        let roles = ["emend-worker", "emend-server", "emend-coordinator"]
        var generator = SplitMix(state: UInt64(100 * workers + 10 * servers))
        var victims: [Victim]
        switch faults {
        case .none: victims = []
        case .kills:
            // Each role at least once; any of them twice more.
            victims = roles.map(Victim.role)
            victims += (0..<2).map { _ in .role(roles.randomElement(using: &generator)!) }
            victims.shuffle(using: &generator)
            victims.append(.allServers)
        case .pauses:
            victims = (roles + roles.prefix(2)).map(Victim.role).shuffled(using: &generator)
        case .resumes:
            let kills = roles.map(Victim.role).shuffled(using: &generator)
            victims = [kills[0], .launcher, kills[1], .launcher, kills[2]]
        }
        return victims.enumerated().map { Strike(step: 15 + 28 * $0.offset, victim: $0.element) }
    }
}

/// A small generator whose sequence is the same everywhere.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
