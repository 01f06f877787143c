import TrainingProtocol

/// A message in a few words.
func summary(of body: MessageBody) -> String {
    switch body {
    case .lease(let lease):
        "lease \(lease.id) of \(lease.node) in step \(lease.step), attempt \(lease.attempt)"
    case .leaseReturned(let returned): "lease \(returned.lease) returned, \(returned.reason)"
    case .pull(let pull): "pull chunk \(name(pull.chunk)) at \(pull.version)"
    case .parameters(let parameters):
        "chunk \(name(parameters.chunk)) at \(parameters.version)"
    case .push(let push): "push \(push.node) of chunk \(push.chunk), step \(push.step)"
    case .pushAcknowledged(let push):
        "\(push.node) of chunk \(push.chunk), step \(push.step): \(push.outcome)"
    case .trailer(let report):
        "trailer of \(report.node), step \(report.step), \(report.trailer.finiteness)"
    case .trailerAcknowledged(let report):
        "trailer of \(report.node), step \(report.step): \(report.outcome)"
    case .stepCommitted(let commit): "shard \(commit.shard) committed \(commit.step)"
    case .serverProgress(let progress):
        "shard \(progress.shard) at \(progress.version), claims "
            + "\(progress.openSteps.flatMap(\.claims).map { ($0.node, $0.attempts) })"
    case .rootReplicated(let root): "root of chunk \(root.chunk), step \(root.step)"
    case .decisionReplicated(let replicated):
        "shard \(replicated.commit.shard), step \(replicated.commit.step): "
            + "\(replicated.commit.decision)"
    case .replicaAcknowledged(let acknowledged):
        "backup of shard \(acknowledged.shard) is at \(acknowledged.version)"
    case .fillRequested(let request): "part \(request.nextPart) of shard \(request.shard)?"
    case .fill(let fill):
        "part \(fill.part) of \(fill.partCount), shard \(fill.shard) at \(fill.version)"
    case .placementChanged(let placement): "\(placement.inWords)"
    case .rollBack(let rollBack):
        "go back to \(rollBack.target.version), \(rollBack.placement.inWords)"
    case .welcome(let welcome):
        "welcome at \(welcome.startVersion), \(welcome.placement.inWords)"
    case .backupLost(let lost): "shard \(lost.shard) has lost its backup \(lost.backup)"
    case .refusal(let refusal): "refusal: \(refusal.explanation)"
    default: body.kind
    }
}

extension Placement {
    /// Shard by shard: term, primary, backup.
    var inWords: String {
        let shards = shards.map { shard in
            "\(shard.index)/\(shard.term): \(shard.primary)"
                + (shard.backup.map { " + \($0)" } ?? "")
        }
        return "placement \(revision) (\(shards.joined(separator: ", ")))"
    }
}

private func name(_ chunk: ChunkID?) -> String { chunk.map { "\($0)" } ?? "none" }

/// An observation in a few words.
func brief(_ observation: Observation) -> String {
    switch observation {
    case .stepCommitted(let record): "step \(record.step) is committed, \(record.decision)"
    case .placementChanged(let placement): placement.inWords
    default: "\(observation)"
    }
}
