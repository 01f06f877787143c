import Optimizers
import Roles
import Testing
import TrainingProtocol
import WireFormat

@Suite struct StatePartsTests {
    /// Their decimal digits vary with the step; the wire takes whole floats only.
    @Test func scalarsTravelAtEveryStep() throws {
        var progress = OptimizerProgress()
        let codec = WireCodec()
        for step in 0..<200 {
            let part = try #require(StateParts.progress(progress, chunk: ChunkID(3)).first)
            let fill = Fill(
                shard: ShardIndex(0), version: Version(UInt64(step)), part: 0, partCount: 1,
                chunk: part.chunk, section: part.section, digest: part.digest,
                payload: part.payload)
            let header = Header(
                protocolVersion: Header.currentProtocolVersion, run: RunID(high: 1, low: 2),
                role: .server, incarnation: Incarnation(high: 3, low: 4),
                coordinatorTerm: CoordinatorTerm(1), shardTerm: ShardTerm(1))
            let sent = Message(header: header, body: .fill(fill))
            let encoded = codec.encode(sent)
            let received = try encoded.header.withUnsafeBytes {
                try codec.decode(header: $0, payload: encoded.payload)
            }
            #expect(received == sent)
            var parts = StateParts([part])
            #expect(try parts.takeProgress(at: fill.version) == progress)
            progress.advance(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
        }
    }
}
