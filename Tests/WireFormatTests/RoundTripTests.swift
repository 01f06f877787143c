import CWireMessages
import Testing
import TrainingProtocol
import WireFormat

@Suite("Messages survive the wire")
struct RoundTripTests {
    let codec = WireCodec()

    @Test func everyMessageComesBackEqual() throws {
        for message in SampleMessages.all {
            #expect(try codec.decode(codec.encode(message)) == message)
        }
    }

    @Test func theSamplesHoldEveryKind() throws {
        var kinds: Set<MessageKind> = []
        for message in SampleMessages.all {
            let header = codec.encode(message).header
            kinds.insert(try #require(RoundTripTests.kind(of: header)))
        }
        #expect(kinds == Set(MessageKind.allCases))
    }

    /// The kind is the envelope's second field, behind the protocol version of one byte.
    static func kind(of header: [UInt8]) -> MessageKind? {
        guard header.count > 3, header[2] == 0x10 else { return nil }
        return MessageKind(rawValue: UInt32(header[3]))
    }

    @Test func kindsHaveTheNumbersOfTheSchema() {
        #expect(MessageKind.greeting.rawValue == EMEND__KIND__KIND_GREETING.rawValue)
        #expect(MessageKind.goodbye.rawValue == EMEND__KIND__KIND_GOODBYE.rawValue)
        #expect(MessageKind.leaseReturned.rawValue == EMEND__KIND__KIND_LEASE_RETURNED.rawValue)
        #expect(MessageKind.push.rawValue == EMEND__KIND__KIND_PUSH.rawValue)
        #expect(MessageKind.stepCommitted.rawValue == EMEND__KIND__KIND_STEP_COMMITTED.rawValue)
        #expect(MessageKind.shardWritten.rawValue == EMEND__KIND__KIND_SHARD_WRITTEN.rawValue)
        #expect(MessageKind.fillRequested.rawValue == EMEND__KIND__KIND_FILL_REQUESTED.rawValue)
        #expect(MessageKind.fill.rawValue == EMEND__KIND__KIND_FILL.rawValue)
        #expect(MessageKind.scaleRequested.rawValue == EMEND__KIND__KIND_SCALE_REQUESTED.rawValue)
    }

    @Test func tensorsTravelByReference() throws {
        let payload = Frame(floats: [1, 2, 3])
        let push = Push(
            shard: ShardIndex(0), step: Step(0), readVersion: .initial, node: SlotRange(0, 1),
            chunk: ChunkID(0), attempt: Attempt(0), digest: Digest(0), payload: payload)
        let encoded = codec.encode(Message(header: SampleMessages.header, body: .push(push)))
        #expect(encoded.payload.count == 1 && encoded.payload[0] === payload)
        guard case .push(let received) = try codec.decode(encoded).body else {
            Issue.record("not a push")
            return
        }
        #expect(received.payload === payload)
    }

    @Test func aPlanOfTenThousandTensorsFitsBesideASmallHeader() throws {
        let tensors = (0..<10_000).map {
            TensorDescription(
                name: "features.\($0).conv.weight", group: .primary, shape: [4, 4, 1, 1],
                attributes: .init(weightDecay: .applied, learningRateMultiplier: 1))
        }
        let plan = RunPlan(
            slotCount: 4, samplesPerSlot: 4, phases: [], tensors: tensors,
            chunkPlan: ChunkPlan(tensors: tensors), checkpointInterval: 0, gradientCap: 1,
            lossNames: [], metricNames: [])
        let shards = plan.chunkPlan.chunks.map { _ in ShardIndex(0) }
        let placement = Placement(
            servers: SampleMessages.placement.servers,
            shards: SampleMessages.placement.shards, shardOfChunk: shards)
        let message = Message(
            header: SampleMessages.header,
            body: .welcome(
                Welcome(
                    member: MemberID(1), configuration: SampleMessages.tensor,
                    configurationHash: SampleMessages.hash, plan: plan, placement: placement,
                    startVersion: .initial, numericsPolicy: .strict)))
        let encoded = codec.encode(message)
        #expect(encoded.header.count < 128)
        #expect(try codec.decode(encoded) == message)
    }

    @Test func aLedgerEntryOfManyChunksAndSlotsFits() throws {
        let contributions = (0..<256).map {
            Contribution(
                node: SlotRange($0, $0 + 1), incarnation: Incarnation(high: 1, low: UInt64($0)),
                attempt: Attempt(UInt64($0)), digest: Digest(UInt64.max - UInt64($0)))
        }
        let chunks = (0..<160).map {
            StepCommitted.ChunkEntry(
                chunk: ChunkID($0), hash: Digest(UInt64($0)), contributions: contributions)
        }
        let commit = StepCommitted(
            shard: ShardIndex(0), step: Step(4), decision: .apply, trailer: SampleMessages.trailer,
            trailerContributions: contributions, chunks: chunks, stateHash: Digest(3),
            learningRate: 0.1, durableThrough: Version(4))
        let message = Message(header: SampleMessages.header, body: .stepCommitted(commit))
        #expect(try codec.decode(codec.encode(message)) == message)
    }

    @Test func aLongExplanationIsCutBetweenCharacters() throws {
        let long = String(repeating: "é", count: 5_000)
        let message = Message(
            header: SampleMessages.header,
            body: .goodbye(Goodbye(reason: .failed, explanation: long)))
        guard case .goodbye(let goodbye) = try codec.decode(codec.encode(message)).body else {
            Issue.record("not a goodbye")
            return
        }
        #expect(goodbye.explanation == String(repeating: "é", count: 2_048))
    }

    /// The optimizer's scalars travel as text between the tensors of a shard's state.
    @Test(arguments: [1, 93, 94, 95, 96])
    func aPartOfAStateMayHaveAnyLength(byteCount: Int) throws {
        let fill = Fill(
            shard: ShardIndex(1), version: Version(56), part: 0, partCount: 3, chunk: ChunkID(2),
            section: "progress", digest: Digest(5),
            payload: Frame(copying: [UInt8](repeating: 0x37, count: byteCount)))
        let message = Message(header: SampleMessages.header, body: .fill(fill))
        #expect(try codec.decode(codec.encode(message)) == message)
    }
}
