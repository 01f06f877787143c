import CWireMessages
import TrainingProtocol

// Which record stands for which message.
extension WireCodec {
    func pack(_ body: MessageBody) -> PackedBody {
        switch body {
        case .greeting(let body): packed(.greeting, body.wire)
        case .welcome(let body): packed(.welcome, body.wire, [body.configuration])
        case .refusal(let body):
            packed(.refusal, { verdict(body.code.rawValue, body.explanation, $0) })
        case .heartbeat(let body): packed(.heartbeat, body.wire)
        case .drain: .empty(.drain)
        case .finish(let body):
            packed(.finish, { verdict(body.outcome.rawValue, body.explanation, $0) })
        case .goodbye(let body):
            packed(.goodbye, { verdict(body.reason.rawValue, body.explanation, $0) })
        case .placementChanged(let body): packed(.placementChanged, body.wire)
        case .lease(let body): packed(.lease, body.wire)
        case .leaseRevoked(let body): packed(.leaseRevoked, number(body.number))
        case .leaseReturned(let body): packed(.leaseReturned, body.wire)
        case .pull(let body): packed(.pull, body.wire)
        case .parameters(let body):
            packed(.parameters, body.wire, body.payload.map { [$0] } ?? [])
        case .pullRefused(let body): packed(.pullRefused, body.wire)
        case .push(let body): packed(.push, body.wire, [body.payload])
        case .pushAcknowledged(let body): packed(.pushAcknowledged, body.wire)
        case .trailer(let body): packed(.trailer, body.wire)
        case .trailerAcknowledged(let body): packed(.trailerAcknowledged, body.wire)
        case .serverReady(let body): packed(.serverReady, body.wire)
        case .serverProgress(let body): packed(.serverProgress, body.wire)
        case .stepCommitted(let body): packed(.stepCommitted, body.wire)
        case .checkpointRequested(let body): packed(.checkpointRequested, number(body.index))
        case .shardWritten(let body): packed(.shardWritten, body.wire, [body.description])
        case .shardNotWritten(let body): packed(.shardNotWritten, body.wire)
        case .shardWrittenAcknowledged(let body):
            packed(.shardWrittenAcknowledged, { _ in body.wire() })
        case .checkpointCommitted(let body): packed(.checkpointCommitted, body.wire)
        case .rootReplicated(let body): packed(.rootReplicated, body.wire, [body.payload])
        case .decisionReplicated(let body): packed(.decisionReplicated, body.commit.wire)
        case .replicaAcknowledged(let body): packed(.replicaAcknowledged, { _ in body.wire() })
        case .backupLost(let body): packed(.backupLost, { _ in body.wire() })
        case .fillRequested(let body): packed(.fillRequested, { _ in body.wire() })
        case .fill(let body): packed(.fill, body.wire, [body.payload])
        case .rollBack(let body): packed(.rollBack, body.wire)
        case .statusRequested: .empty(.statusRequested)
        case .status(let body): packed(.status, body.wire)
        case .scaleRequested(let body):
            packed(.scaleRequested, number(UInt64(body.workerCount)))
        }
    }

    private func number(_ value: UInt64) -> (Arena) -> Emend__Number {
        { _ in .make { $0.value = value } }
    }

    func body(_ body: ReceivedBody) throws(WireError) -> MessageBody {
        switch body.kind {
        case .greeting: .greeting(try Greeting(record(body)))
        case .welcome: .welcome(try Welcome(record(body), configuration: body.frame()))
        case .refusal: .refusal(try Refusal(record(body)))
        case .heartbeat: .heartbeat(try Heartbeat(record(body)))
        case .drain: .drain
        case .finish: .finish(try Finish(record(body)))
        case .goodbye: .goodbye(try Goodbye(record(body)))
        case .placementChanged: .placementChanged(try Placement(record(body)))
        case .lease: .lease(try Lease(record(body)))
        case .leaseRevoked: .leaseRevoked(LeaseID(try number(body)))
        case .leaseReturned: .leaseReturned(try LeaseReturned(record(body)))
        case .pull: .pull(try Pull(record(body)))
        case .parameters: .parameters(try Parameters(record(body), payload: body.attachment))
        case .pullRefused: .pullRefused(try PullRefused(record(body)))
        case .push: .push(try Push(record(body), payload: body.frame()))
        case .pushAcknowledged: .pushAcknowledged(try PushAcknowledged(record(body)))
        case .trailer: .trailer(try TrailerReport(record(body)))
        case .trailerAcknowledged: .trailerAcknowledged(try TrailerAcknowledged(record(body)))
        case .serverReady: .serverReady(try ServerReady(record(body)))
        case .serverProgress: .serverProgress(try ServerProgress(record(body)))
        case .stepCommitted: .stepCommitted(try StepCommitted(record(body)))
        case .checkpointRequested: .checkpointRequested(Version(try number(body)))
        case .shardWritten:
            .shardWritten(try ShardWritten(record(body), description: body.frame()))
        case .shardNotWritten: .shardNotWritten(try ShardNotWritten(record(body)))
        case .shardWrittenAcknowledged:
            .shardWrittenAcknowledged(try ShardWrittenAcknowledged(record(body)))
        case .checkpointCommitted: .checkpointCommitted(try CheckpointReference(record(body)))
        case .rootReplicated:
            .rootReplicated(try RootReplicated(record(body), payload: body.frame()))
        case .decisionReplicated:
            .decisionReplicated(DecisionReplicated(commit: try StepCommitted(record(body))))
        case .replicaAcknowledged: .replicaAcknowledged(try ReplicaAcknowledged(record(body)))
        case .backupLost: .backupLost(try BackupLost(record(body)))
        case .fillRequested: .fillRequested(try FillRequested(record(body)))
        case .fill: .fill(try Fill(record(body), payload: body.frame()))
        case .rollBack: .rollBack(try RollBack(record(body)))
        case .statusRequested: .statusRequested
        case .status: .status(try ClusterStatus(record(body)))
        case .scaleRequested: .scaleRequested(try ScaleRequest(record(body)))
        }
    }

    private func number(_ body: ReceivedBody) throws(WireError) -> UInt64 {
        let record: Emend__Number = try record(body)
        return try readNumber(record.value)
    }
}

extension ScaleRequest {
    fileprivate init(_ wire: Emend__Number) throws(WireError) {
        self.init(workerCount: try readIndex(wire))
    }
}
