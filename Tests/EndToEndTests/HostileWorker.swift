import CXXHash
import RawPeers
import Simulation
import Testing
import TrainingProtocol
import Transport
import WireFormat

/// Knows a run and one of its shards, and sends what must not be applied.
final class HostileWorker {
    let incarnation = Incarnation.random()
    /// How the server took what it was sent.
    private(set) var outcomes: [ContributionOutcome: Int] = [:]
    private(set) var refusals: [Refusal.Code: Int] = [:]
    private(set) var sent = 0

    private let run: OverheardRun
    private let shard: OverheardRun.Shard
    private let dealer: RawDealer
    private let codec = WireCodec()
    /// Of each chunk, as a pull has told.
    private var byteCounts: [Int] = []
    private var version = Version.initial
    private var dice = SplitMix64(seed: 1)

    init(_ run: OverheardRun, _ shard: OverheardRun.Shard) throws {
        self.run = run
        self.shard = shard
        dealer = RawDealer(
            to: shard.endpoint, routingID: RawDealer.routingID(of: incarnation))
        byteCounts = try shard.chunks.map(pulledByteCount)
    }

    /// Sends every kind of forgery three times in any order, and reads the answers.
    func attack() throws {
        _ = try pulledByteCount(shard.chunks[0])
        let forged = zip(shard.chunks, byteCounts).flatMap { chunk, byteCount in
            forgeries(of: chunk, byteCount)
        }
        let messages = forged + trailers + strangeWords
        for message in (messages + messages + messages).shuffled(using: &dice) {
            dealer.send(message)
            sent += 1
        }
        sendTruncated(forged[0])
        sendManyFrames()
        try drain()
    }

    // MARK: Forgeries

    private func header(
        run: RunID? = nil, term: ShardTerm? = nil, sender: Incarnation? = nil
    ) -> Header {
        Header(
            protocolVersion: Header.currentProtocolVersion, run: run ?? self.run.id,
            role: .worker, incarnation: sender ?? incarnation, coordinatorTerm: CoordinatorTerm(1),
            shardTerm: term ?? shard.term)
    }

    private func push(
        _ chunk: ChunkID, _ payload: Frame, step: UInt64? = nil, digest: Digest? = nil
    ) -> MessageBody {
        let step = step ?? version.index
        return .push(
            Push(
                shard: shard.index, step: Step(step), readVersion: Version(step),
                node: SlotRange(0, 1), chunk: chunk, attempt: Attempt(1),
                digest: digest ?? Digest(XXH3_64bits(payload.bytes.baseAddress, payload.byteCount)),
                payload: payload))
    }

    /// Pushes that but for one thing would be right.
    private func forgeries(of chunk: ChunkID, _ byteCount: Int) -> [Message] {
        let sound = Frame(floats: [Float](repeating: 1, count: byteCount / 4))
        let notANumber = Frame(floats: [Float](repeating: .nan, count: byteCount / 4))
        let short = Frame(floats: [Float](repeating: 1, count: max(1, byteCount / 4 - 1)))
        let long = Frame(floats: [Float](repeating: 1, count: byteCount / 4 + 1))
        let steps = [version.index, version.index + 1]
        let otherRun = RunID(high: run.id.high, low: run.id.low ^ 1)
        let replayed = (0..<version.index).suffix(3).map { push(chunk, sound, step: $0) }
        let now = steps.flatMap { step in
            [
                push(chunk, notANumber, step: step),
                push(chunk, sound, step: step, digest: Digest(7)),
                push(chunk, short, step: step), push(chunk, long, step: step),
                push(ChunkID(chunk.index + 1_000), sound, step: step),
            ]
        }
        let right = push(chunk, sound)
        return (replayed + now).map { Message(header: header(), body: $0) } + [
            Message(header: header(run: otherRun), body: right),
            Message(header: header(run: RunID.none), body: right),
            Message(header: header(term: ShardTerm(shard.term.number - 1)), body: right),
            Message(header: header(term: ShardTerm(shard.term.number + 1)), body: right),
            Message(header: header(sender: .random()), body: right),
            Message(
                header: header(), body: push(chunk, sound, step: version.index + 1_000_000)),
        ]
    }

    private var trailers: [Message] {
        let wrong: [(node: SlotRange, samples: UInt64, largest: Float)] = [
            (SlotRange(0, 1), 1_000, 1), (SlotRange(1, 3), 4, 1), (SlotRange(0, 1), 2, .nan),
            (SlotRange(0, 1), 2, -1), (SlotRange(0, 65_536), 2, 1),
        ]
        return wrong.map { node, samples, largest in
            let trailer = Trailer(
                samples: samples, validPixels: 1, losses: [1, 1, 1, 1], metrics: [0],
                finiteness: .finite, maximumAbsoluteGradient: largest)
            let report = TrailerReport(
                shard: shard.index, step: version.nextStep, readVersion: version, node: node,
                attempt: Attempt(1), trailer: trailer)
            return Message(header: header(), body: .trailer(report))
        }
    }

    /// What a worker never says to a server, or says of a shard that is not there.
    private var strangeWords: [Message] {
        let bodies: [MessageBody] = [
            .finish(Finish(outcome: .completed, explanation: "enough")), .drain,
            .checkpointRequested(Version(1)),
            .replicaAcknowledged(
                ReplicaAcknowledged(
                    shard: shard.index, version: Version(version.index + 5), stateHash: Digest(9))),
            .fillRequested(FillRequested(shard: ShardIndex(77), nextPart: 3)),
            .pull(Pull(shard: ShardIndex(99), chunk: ChunkID(0), version: version)),
            .pull(Pull(shard: shard.index, chunk: ChunkID(9_999), version: version)),
            .pull(Pull(shard: shard.index, version: Version(1 << 61))),
        ]
        return bodies.map { Message(header: header(), body: $0) }
    }

    private func sendTruncated(_ message: Message) {
        let encoded = codec.encode(message)
        for count in stride(from: 0, to: encoded.header.count, by: 3) {
            dealer.send([Array(encoded.header.prefix(count))])
            sent += 1
        }
        let payload = Array(encoded.payload[0].bytes)
        dealer.send([encoded.header])
        dealer.send([encoded.header, Array(payload.dropLast(3))])
        dealer.send([encoded.header, payload, payload])
        sent += 3
    }

    private func sendManyFrames() {
        dealer.send(Array(repeating: [UInt8](repeating: 7, count: 900), count: 1_000))
        sent += 1
    }

    // MARK: Answers

    /// The bytes of a chunk's payload, by a pull; the shard's version is known afterwards.
    private func pulledByteCount(_ chunk: ChunkID) throws -> Int {
        var wanted = Version.initial
        for _ in 0..<100 {
            let pull = Pull(shard: shard.index, chunk: chunk, version: wanted)
            dealer.send(Message(header: header(), body: .pull(pull)))
            switch try answer(to: pull) {
            case .parameters(let parameters):
                version = parameters.version
                return parameters.payload?.byteCount ?? 0
            // The next version is answered when it is there.
            case .pullRefused(let refused):
                wanted = Version(refused.shardVersion.index + 1)
            default: break
            }
        }
        throw RunningProgram.Overdue(description: "no pull of chunk \(chunk) was answered")
    }

    private func answer(to pull: Pull) throws -> MessageBody {
        while let body = try next(milliseconds: 10_000) {
            switch body {
            case .parameters(let parameters) where parameters.chunk == pull.chunk: return body
            case .pullRefused(let refused)
            where refused.chunk == pull.chunk && refused.version == pull.version:
                return body
            default: break
            }
        }
        throw RunningProgram.Overdue(description: "server of shard \(shard.index) is silent")
    }

    private func drain() throws {
        while try next(milliseconds: 200) != nil {}
    }

    /// The next message, its outcome counted.
    private func next(milliseconds: Int32) throws -> MessageBody? {
        guard let parts = dealer.receive(milliseconds: milliseconds) else { return nil }
        let payload = parts.dropFirst().map { Frame(copying: $0) }
        let body = try parts[0].withUnsafeBytes {
            try codec.decode(header: $0, payload: payload).body
        }
        switch body {
        case .pushAcknowledged(let acknowledged): outcomes[acknowledged.outcome, default: 0] += 1
        case .trailerAcknowledged(let acknowledged):
            outcomes[acknowledged.outcome, default: 0] += 1
        case .refusal(let refusal): refusals[refusal.code, default: 0] += 1
        default: break
        }
        return body
    }
}
