/// The build of a program, compared for equality at the greeting.
package struct Build: Hashable, Sendable, CustomStringConvertible {
    package let identifier: String

    package init(_ identifier: String) { self.identifier = identifier }

    package var description: String { identifier }
}

/// Which processors' results are equal to the bit; an opaque value to the protocol.
package struct NumericsClass: Hashable, Sendable, CustomStringConvertible {
    package let name: String

    package init(_ name: String) { self.name = name }

    package var description: String { name }

    /// The class of one engine among those that a worker names, one word each that begins with the
    /// engine's name; nil where none does.
    ///
    /// Without an engine it is the whole name.
    package func ofEngine(_ engine: String?) -> NumericsClass? {
        guard let engine else { return self }
        return name.split(separator: " ").first { $0.hasPrefix(engine + "-") }
            .map { NumericsClass(String($0)) }
    }
}

/// Whether workers of another numerics class may take part.
package enum NumericsPolicy: UInt8, Hashable, Sendable {
    case strict = 1
    case loose = 2
}

/// Who a process is and what it already holds.
package struct Greeting: Hashable, Sendable {
    package let build: Build
    /// Nil where the process has none of its own and takes the run's.
    package let configurationHash: ContentHash?
    /// Of workers: a word for each engine that they have.
    package let numericsClass: NumericsClass?
    /// Of servers: what workers and backups shall connect to.
    package let advertisedEndpoint: String?
    package let processID: UInt32
    package let host: String
    package let threadCount: Int
    /// The place of a server that was welcomed before, the member id of a worker that was.
    package let server: ServerIndex?
    package let member: MemberID?
    /// Leases that a worker still holds, by id.
    package let leases: [Lease]
    /// What a server holds of each shard, primary or backup, by shard.
    package let shards: [ShardStatus]
    /// Of the newest placement that the process knows; 0 where it knows none.
    package let placementRevision: UInt64

    package init(
        build: Build, configurationHash: ContentHash? = nil, numericsClass: NumericsClass? = nil,
        advertisedEndpoint: String? = nil, processID: UInt32, host: String, threadCount: Int,
        server: ServerIndex? = nil, member: MemberID? = nil, leases: [Lease],
        shards: [ShardStatus], placementRevision: UInt64 = 0
    ) {
        self.build = build
        self.configurationHash = configurationHash
        self.numericsClass = numericsClass
        self.advertisedEndpoint = advertisedEndpoint
        self.processID = processID
        self.host = host
        self.threadCount = threadCount
        self.server = server
        self.member = member
        self.leases = leases
        self.shards = shards
        self.placementRevision = placementRevision
    }
}

/// A shard's state as its server reports it.
package struct ShardStatus: Hashable, Sendable {
    package enum Part: UInt8, Hashable, Sendable {
        case primary = 1
        case backup = 2
    }

    package let shard: ShardIndex
    package let part: Part
    package let term: ShardTerm
    package let version: Version
    /// The newest version that survives the loss of this server.
    package let durableThrough: Version
    /// Of parameters, optimizer state and statistics at `version`.
    package let stateHash: Digest

    package init(
        shard: ShardIndex, part: Part, term: ShardTerm, version: Version, durableThrough: Version,
        stateHash: Digest
    ) {
        self.shard = shard
        self.part = part
        self.term = term
        self.version = version
        self.durableThrough = durableThrough
        self.stateHash = stateHash
    }
}

/// Where a server's first state comes from.
package enum LoadSource: Hashable, Sendable {
    /// The initial values that the configuration names.
    case initialValues
    case checkpoint(CheckpointReference)
    /// The shard's primary fills it.
    case primary
}

/// A checkpoint is its manifest.
package struct CheckpointReference: Hashable, Sendable {
    package let version: Version
    /// The manifest's name inside the run directory.
    package let manifest: String
    package let hash: ContentHash

    package init(version: Version, manifest: String, hash: ContentHash) {
        self.version = version
        self.manifest = manifest
        self.hash = hash
    }
}

/// What a process needs to take part.
package struct Welcome: Hashable, Sendable {
    package let member: MemberID
    /// Of a server: its place.
    package let server: ServerIndex?
    /// The canonical text of the configuration and its hash.
    package let configuration: Frame
    package let configurationHash: ContentHash
    package let plan: RunPlan
    package let placement: Placement
    /// Of a server: what it loads.
    package let source: LoadSource?
    /// The version at which this start of the run begins.
    package let startVersion: Version
    package let numericsClass: NumericsClass?
    package let numericsPolicy: NumericsPolicy

    package init(
        member: MemberID, server: ServerIndex? = nil, configuration: Frame,
        configurationHash: ContentHash, plan: RunPlan, placement: Placement,
        source: LoadSource? = nil, startVersion: Version, numericsClass: NumericsClass? = nil,
        numericsPolicy: NumericsPolicy
    ) {
        self.member = member
        self.server = server
        self.configuration = configuration
        self.configurationHash = configurationHash
        self.plan = plan
        self.placement = placement
        self.source = source
        self.startVersion = startVersion
        self.numericsClass = numericsClass
        self.numericsPolicy = numericsPolicy
    }
}

/// Why a process is not talked to.
package struct Refusal: Hashable, Sendable {
    package enum Code: UInt8, Hashable, Sendable {
        case protocolVersion = 1
        case build = 2
        case configuration = 3
        case numericsClass = 4
        case run = 5
        /// All places for servers are taken.
        case noVacancy = 6
        case coordinatorTerm = 7
        case shardTerm = 8
        /// This incarnation was declared lost; a fresh start is welcome.
        case declaredLost = 9
        case malformed = 10
        case finished = 11
    }

    package let code: Code
    /// Names both values and what to do.
    package let explanation: String

    package init(code: Code, explanation: String) {
        self.code = code
        self.explanation = explanation
    }
}

/// "I am alive", with what the receiver may want to know.
package struct Heartbeat: Hashable, Sendable {
    package enum Activity: UInt8, Hashable, Sendable {
        case joining = 1
        case idle = 2
        case pulling = 3
        case computing = 4
        case pushing = 5
        case serving = 6
        case draining = 7
    }

    package let activity: Activity
    /// Of a worker: what it computes.
    package let current: LeaseID?
    /// Of a worker: slots of the current lease that are finished.
    package let finishedSlots: Int
    /// Of a worker: every lease it knows and has not given back, by id.
    package let leases: [LeaseID]
    /// From the coordinator: the newest version that no fault can lose.
    package let durableThrough: Version
    /// From the coordinator to a server: the shards' reports before these versions are recorded.
    package let recordedThrough: Version
    /// Of the newest placement that the sender knows; 0 where it knows none.
    package let placementRevision: UInt64
    /// Of a worker: the share of its slots' time that it waited for their data, in thousandths.
    package let inputWaitPermille: UInt32
    /// Of a worker: the share of its time that it held a lease and waited for its parameters, in
    /// thousandths.
    package let pullWaitPermille: UInt32

    package init(
        activity: Activity, current: LeaseID? = nil, finishedSlots: Int, leases: [LeaseID],
        durableThrough: Version, recordedThrough: Version, placementRevision: UInt64,
        inputWaitPermille: UInt32 = 0, pullWaitPermille: UInt32 = 0
    ) {
        self.inputWaitPermille = inputWaitPermille
        self.pullWaitPermille = pullWaitPermille
        self.activity = activity
        self.current = current
        self.finishedSlots = finishedSlots
        self.leases = leases
        self.durableThrough = durableThrough
        self.recordedThrough = recordedThrough
        self.placementRevision = placementRevision
    }

    package static func plain(_ activity: Activity, placementRevision: UInt64 = 0) -> Heartbeat {
        Heartbeat(
            activity: activity, finishedSlots: 0, leases: [], durableThrough: .initial,
            recordedThrough: .initial, placementRevision: placementRevision)
    }
}

/// Why a run ends for a process that is still wanted to end well.
package struct Finish: Hashable, Sendable {
    package enum Outcome: UInt8, Hashable, Sendable {
        case completed = 1
        /// Stopped on request, with a checkpoint.
        case stopped = 2
        case failed = 3
    }

    package let outcome: Outcome
    package let explanation: String

    package init(outcome: Outcome, explanation: String) {
        self.outcome = outcome
        self.explanation = explanation
    }
}

package struct Goodbye: Hashable, Sendable {
    package enum Reason: UInt8, Hashable, Sendable {
        case finished = 1
        case drained = 2
        case failed = 3
    }

    package let reason: Reason
    package let explanation: String

    package init(reason: Reason, explanation: String) {
        self.reason = reason
        self.explanation = explanation
    }
}
