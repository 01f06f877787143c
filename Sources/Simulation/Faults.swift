import TrainingProtocol

/// What can go wrong at a moment; who it hits is drawn then.
enum FaultKind: Sendable, CaseIterable {
    case workerCrash, serverCrash, coordinatorCrash, blackout
    case pause, partition
    case workerLeave, serverLeave, workerJoin, serverJoin

    /// Mean time between two of the kind, 0 for none.
    func interval(_ options: SimulationOptions) -> UInt64 {
        switch self {
        case .workerCrash: options.workerCrashMilliseconds
        case .serverCrash: options.serverCrashMilliseconds
        case .coordinatorCrash: options.coordinatorCrashMilliseconds
        case .blackout: options.blackoutMilliseconds
        case .pause: options.pauseMilliseconds
        case .partition: options.partitionMilliseconds
        case .workerLeave: options.workerLeaveMilliseconds
        case .serverLeave: options.serverLeaveMilliseconds
        case .workerJoin: options.workerJoinMilliseconds
        case .serverJoin: options.serverJoinMilliseconds
        }
    }
}

/// Links over which nothing arrives: from each of `senders` to each of `receivers`.
struct Partition: Sendable, Equatable {
    let senders: [Int]
    let receivers: [Int]
}
