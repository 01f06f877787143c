import Testing
import TrainingProtocol

@Suite struct ServerMachineTests {
    static let worker = Peer.member(Incarnation(high: 0, low: 5))
    static let other = Peer.member(Incarnation(high: 0, low: 6))

    /// A server that holds all chunks and has just begun to serve.
    static func serving(
        slotCount: Int, gradientFormat: GradientFormat = .float32
    ) -> Stage<ServerMachine> {
        let plan = Fixture.plan(slotCount: slotCount, gradientFormat: gradientFormat)
        var stage = Stage(
            ServerMachine(
                identity: Fixture.identity(10), advertisedEndpoint: "e0", configurationHash: nil,
                limits: Limits()))
        _ = stage.handle(.started)
        let effects = stage.receive(
            .welcome(Fixture.welcome(plan: plan, server: 0)), Fixture.header(.coordinator, 1),
            from: .coordinator)
        let chunks = plan.chunkPlan.chunks.map {
            CommittedChunk(chunk: $0.id, payload: Frame(floats: [0, 0]), hash: Digest(0))
        }
        let loaded = LoadedShard(chunks: chunks, stateHash: Digest(0))
        let ready = stage.handle(.finished(effects.jobs[0].id, .loaded(loaded)))
        #expect(ready.kinds == ["server ready", "server progress"])
        #expect(ready.jobs.count == 1, "version 0 is a checkpoint")
        return stage
    }

    static func push(
        _ lower: Int, _ upper: Int, step: UInt64 = 0, chunk: Int = 2, attempt: UInt64 = 1,
        digest: UInt64 = 9, values: [Float] = [1, 2], reads: UInt64? = nil
    ) -> MessageBody {
        .push(
            Push(
                shard: ShardIndex(0), step: Step(step), readVersion: Version(reads ?? step),
                node: SlotRange(lower, upper), chunk: ChunkID(chunk), attempt: Attempt(attempt),
                digest: Digest(digest), payload: Frame(floats: values)))
    }

    static func trailer(
        _ lower: Int, _ upper: Int, _ trailer: Trailer, step: UInt64 = 0, attempt: UInt64 = 1,
        reads: UInt64? = nil
    ) -> MessageBody {
        .trailer(
            TrailerReport(
                shard: ShardIndex(0), step: Step(step), readVersion: Version(reads ?? step),
                node: SlotRange(lower, upper), attempt: Attempt(attempt), trailer: trailer))
    }

    static func outcomes(_ effects: [Effect]) -> [ContributionOutcome] {
        effects.bodies.compactMap {
            switch $0 {
            case .pushAcknowledged(let push): push.outcome
            case .trailerAcknowledged(let trailer): trailer.outcome
            default: nil
            }
        }
    }

    /// Sends a push, lets its inspection end, and returns everything that came of it.
    static func deliver(
        _ body: MessageBody, to stage: inout Stage<ServerMachine>,
        _ inspection: Inspection = .sound, from low: UInt64 = 5
    ) -> [Effect] {
        let peer = Peer.member(Incarnation(high: 0, low: low))
        var effects = stage.receive(body, Fixture.header(.worker, low), from: peer)
        for (id, job) in effects.jobs {
            guard case .inspect = job else { continue }
            effects += stage.handle(.finished(id, .inspected(inspection)))
        }
        return effects
    }

    @Test func aDuplicatePushIsAcknowledgedButNotInspectedAgain() {
        var stage = Self.serving(slotCount: 2)
        let first = Self.deliver(Self.push(0, 1), to: &stage)
        #expect(Self.outcomes(first) == [.recorded])
        let second = Self.deliver(Self.push(0, 1, attempt: 2), to: &stage, from: 6)
        #expect(Self.outcomes(second) == [.duplicate])
        #expect(second.jobs.isEmpty)
    }

    @Test func anEqualNodeWithAnotherDigestRaisesTheAlarm() {
        var stage = Self.serving(slotCount: 2)
        _ = Self.deliver(Self.push(0, 1), to: &stage)
        let effects = Self.deliver(Self.push(0, 1, attempt: 2, digest: 8), to: &stage, from: 6)
        #expect(Self.outcomes(effects) == [.mismatch])
        #expect(
            effects.observations == [
                .contributionRefused(
                    step: Step(0), node: SlotRange(0, 1), .mismatch, from: Self.other)
            ])
    }

    @Test func aNodeReplacesItsPartialDescendantsAndCoversLaterOnes() {
        var stage = Self.serving(slotCount: 4)
        _ = Self.deliver(Self.push(0, 1), to: &stage)
        #expect(Self.outcomes(Self.deliver(Self.push(0, 2), to: &stage)) == [.recorded])
        #expect(Self.outcomes(Self.deliver(Self.push(0, 1), to: &stage)) == [.covered])
        #expect(Self.outcomes(Self.deliver(Self.push(1, 2), to: &stage)) == [.covered])
        _ = Self.deliver(Self.push(2, 3), to: &stage)
        _ = Self.deliver(Self.push(3, 4), to: &stage)
        #expect(Self.outcomes(Self.deliver(Self.push(2, 4), to: &stage)) == [.covered])
    }

    @Test func damagedAndUnflaggedNonFinitePayloadsAreRefused() {
        var stage = Self.serving(slotCount: 2)
        #expect(
            Self.outcomes(Self.deliver(Self.push(0, 1), to: &stage, .corrupt)) == [.corrupt])
        #expect(
            Self.outcomes(Self.deliver(Self.push(0, 1), to: &stage, .nonFinite))
                == [.nonFinite])
        #expect(Self.outcomes(Self.deliver(Self.push(0, 1), to: &stage)) == [.recorded])
    }

    @Test func malformedContributionsAreRefusedUnseen() {
        var stage = Self.serving(slotCount: 4)
        let bodies = [
            Self.push(1, 3), Self.push(0, 1, chunk: 0), Self.push(0, 1, chunk: 77),
            Self.push(0, 1, values: [1]), Self.push(0, 1, step: 99),
            Self.trailer(0, 1, Fixture.trailer(slots: 1, samples: 5)),
            Self.trailer(0, 1, Fixture.trailer(slots: 2)),
            Self.trailer(1, 3, Fixture.trailer(slots: 2)),
        ]
        for body in bodies {
            let effects = Self.deliver(body, to: &stage)
            #expect(Self.outcomes(effects) == [.malformed], "\(body)")
            #expect(effects.jobs.isEmpty)
        }
    }

    @Test func aPushHasTheSizeOfItsFormat() {
        var stage = Self.serving(slotCount: 2, gradientFormat: .bfloat16)
        // Two elements: eight bytes of float32, four of bfloat16.
        #expect(
            Self.outcomes(Self.deliver(Self.push(0, 1, values: [1, 2]), to: &stage))
                == [.malformed])
        #expect(
            Self.outcomes(Self.deliver(Self.push(0, 1, values: [1]), to: &stage)) == [.recorded])
    }

    @Test func otherShardTermsAreFencedOff() {
        var stage = Self.serving(slotCount: 2)
        let effects = stage.receive(
            Self.push(0, 1), Fixture.header(.worker, 5, shardTerm: 2), from: Self.worker)
        #expect(Self.outcomes(effects) == [.shardTerm])
    }

    @Test func messagesOfAnotherRunOrProtocolAreRefusedNamingBoth() throws {
        var stage = Self.serving(slotCount: 2)
        let foreign = stage.receive(
            Self.push(0, 1), Fixture.header(.worker, 5, run: RunID(high: 9, low: 9)),
            from: Self.worker)
        #expect(foreign.kinds == ["refusal"] && foreign.jobs.isEmpty)
        let old = stage.receive(
            Self.push(0, 1), Fixture.header(.worker, 5, version: 77), from: Self.worker)
        guard case .refusal(let refusal) = old.bodies.first else {
            Issue.record("no refusal in \(old)")
            return
        }
        #expect(refusal.code == .protocolVersion && refusal.explanation.contains("77"))
    }

    @Test func aStepCommitsWhenChunksAndTrailerAreCoveredAndNotBefore() throws {
        var stage = Self.serving(slotCount: 2)
        #expect(Self.deliver(Self.push(0, 1), to: &stage).jobs.count == 1)
        #expect(Self.deliver(Self.push(1, 2), to: &stage).jobs.count == 1)
        _ = Self.deliver(Self.trailer(0, 1, Fixture.trailer(slots: 1)), to: &stage)
        let effects = Self.deliver(Self.trailer(1, 2, Fixture.trailer(slots: 1)), to: &stage)
        guard case .commit(let job)? = effects.jobs.first?.job else {
            Issue.record("no commit in \(effects)")
            return
        }
        #expect(job.step == Step(0) && job.decision == .apply && job.trailer.samples == 8)
        #expect(job.chunks.map(\.chunk) == [ChunkID(2)])
        #expect(job.chunks[0].nodes.map(\.node) == [SlotRange(0, 1), SlotRange(1, 2)])
    }

    @Test func twoAttemptsMustAgreeBeforeAStepIsSkipped() {
        var stage = Self.serving(slotCount: 2)
        let flagged = Fixture.nonFinite(slots: 2)
        let first = Self.deliver(Self.trailer(0, 2, flagged), to: &stage)
        #expect(Self.outcomes(first) == [.awaitingConfirmation])
        #expect(first.kinds == ["trailer acknowledged", "server progress"])
        // The same attempt, repeated, confirms nothing.
        let again = Self.deliver(Self.trailer(0, 2, flagged), to: &stage)
        #expect(Self.outcomes(again) == [.awaitingConfirmation] && again.jobs.isEmpty)
        let second = Self.deliver(Self.trailer(0, 2, flagged, attempt: 2), to: &stage, from: 6)
        #expect(Self.outcomes(second) == [.recorded])
        guard case .commit(let job)? = second.jobs.first?.job else {
            Issue.record("no commit in \(second)")
            return
        }
        #expect(job.decision == .skip && job.chunks[0].nodes.isEmpty)
    }

    @Test func aNonFiniteTrailerMustNameASlotOfItsNode() {
        var stage = Self.serving(slotCount: 2)
        let stranger = Trailer.nonFinite(
            slot: 2, samples: 8, validPixels: 10, lossCount: 1, metricCount: 0)
        #expect(
            Self.outcomes(Self.deliver(Self.trailer(0, 2, stranger), to: &stage)) == [.malformed])
        let sum = Trailer.nonFinite(
            slot: 3, samples: 4, validPixels: 5, lossCount: 1, metricCount: 0)
        let finite = Fixture.trailer(slots: 1)
        #expect((finite + sum).nonFiniteSlot == 3 && (sum + finite).nonFiniteSlot == 3)
        #expect((finite + finite).nonFiniteSlot == nil)
    }

    @Test func aPullParksUntilTheCommitAndIsAnsweredInForwardOrder() {
        var stage = Self.serving(slotCount: 1)
        let pull = { (chunk: Int?, version: UInt64) in
            MessageBody.pull(
                Pull(
                    shard: ShardIndex(0), chunk: chunk.map { ChunkID($0) },
                    version: Version(version)))
        }
        let header = Fixture.header(.worker, 5)
        #expect(
            stage.receive(pull(2, 0), header, from: Self.worker).kinds == ["parameters"])
        #expect(stage.receive(pull(2, 1), header, from: Self.worker).isEmpty)
        #expect(stage.receive(pull(nil, 1), header, from: Self.worker).isEmpty)
        #expect(
            stage.receive(pull(0, 1), header, from: Self.worker).kinds == ["pull refused"],
            "chunk 0 is frozen in step 0 and never has version 1")
        _ = Self.deliver(Self.push(0, 1), to: &stage)
        let commit = Self.deliver(Self.trailer(0, 1, Fixture.trailer(slots: 1)), to: &stage)
        let chunk = CommittedChunk(
            chunk: ChunkID(2), payload: Frame(floats: [3, 4]), hash: Digest(1))
        let result = CommitResult(chunks: [chunk], stateHash: Digest(2), learningRate: 0.1)
        let done = stage.handle(.finished(commit.jobs[0].id, .committed(result)))
        #expect(done.kinds == ["parameters", "step committed", "parameters"])
        guard case .parameters(let parameters) = done.bodies[0] else { return }
        #expect(parameters.payload?.floats == [3, 4] && parameters.version == Version(1))
    }

    @Test func contributionsToACommittedStepAreStale() {
        var stage = Self.serving(slotCount: 1)
        _ = Self.deliver(Self.push(0, 1), to: &stage)
        let commit = Self.deliver(Self.trailer(0, 1, Fixture.trailer(slots: 1)), to: &stage)
        let chunk = CommittedChunk(
            chunk: ChunkID(2), payload: Frame(floats: [3, 4]), hash: Digest(1))
        let result = CommitResult(chunks: [chunk], stateHash: Digest(2), learningRate: 0.1)
        _ = stage.handle(.finished(commit.jobs[0].id, .committed(result)))
        #expect(Self.outcomes(Self.deliver(Self.push(0, 1), to: &stage)) == [.stale])
    }

    @Test func twoStepsAreOpenAtOnceAndLaterOnesAreEarly() {
        var stage = Self.serving(slotCount: 2)
        let next = Self.deliver(Self.push(0, 1, step: 1), to: &stage)
        #expect(Self.outcomes(next) == [.recorded], "a step ahead is kept")
        let early = Self.deliver(Self.push(0, 1, step: 2, chunk: 0), to: &stage)
        #expect(Self.outcomes(early) == [.early] && early.jobs.isEmpty)
    }

    @Test func aCommitReportIsRepeatedUntilTheCoordinatorHasRecordedIt() {
        var stage = Self.serving(slotCount: 1)
        _ = Self.deliver(Self.push(0, 1), to: &stage)
        let commit = Self.deliver(Self.trailer(0, 1, Fixture.trailer(slots: 1)), to: &stage)
        let chunk = CommittedChunk(
            chunk: ChunkID(2), payload: Frame(floats: [3, 4]), hash: Digest(1))
        let result = CommitResult(chunks: [chunk], stateHash: Digest(2), learningRate: 0.1)
        _ = stage.handle(.finished(commit.jobs[0].id, .committed(result)))
        stage.milliseconds = Limits().retryMilliseconds
        #expect(stage.handle(.timerFired(.tick)).kinds.contains("step committed"))
        let heartbeat = Heartbeat(
            activity: .serving, finishedSlots: 0, leases: [], durableThrough: Version(1),
            recordedThrough: Version(1), placementRevision: 1)
        _ = stage.receive(
            .heartbeat(heartbeat), Fixture.header(.coordinator, 1), from: .coordinator)
        stage.milliseconds *= 3
        #expect(!stage.handle(.timerFired(.tick)).kinds.contains("step committed"))
    }

    @Test func aSilentCoordinatorEndsTheServerNamingIt() {
        var stage = Self.serving(slotCount: 1)
        stage.milliseconds = Limits().coordinatorSilenceMilliseconds + 1
        let reason = stage.handle(.timerFired(.tick)).termination
        #expect(reason == .coordinatorLost(.silent(milliseconds: stage.milliseconds)))
    }

    @Test func refusalByTheCoordinatorEndsTheServer() {
        var stage = Stage(
            ServerMachine(
                identity: Fixture.identity(10), advertisedEndpoint: "e0", configurationHash: nil,
                limits: Limits()))
        #expect(stage.handle(.started).kinds == ["greeting"])
        let refusal = Refusal(code: .build, explanation: "b1, not b2")
        let effects = stage.receive(
            .refusal(refusal), Fixture.header(.coordinator, 1), from: .coordinator)
        #expect(effects.termination == .refused(refusal))
    }

    /// Delivers a step's only slot; returns the effects of the last contribution.
    private static func contribute(
        _ step: UInt64, _ chunks: [Int], to stage: inout Stage<ServerMachine>
    ) -> [Effect] {
        for chunk in chunks { _ = deliver(push(0, 1, step: step, chunk: chunk), to: &stage) }
        return deliver(trailer(0, 1, Fixture.trailer(slots: 1), step: step), to: &stage)
    }

    private static func commit(
        _ job: JobID, _ chunks: [Int], _ stage: inout Stage<ServerMachine>
    ) -> [Effect] {
        let committed = chunks.map {
            CommittedChunk(chunk: ChunkID($0), payload: Frame(floats: [0, 0]), hash: Digest(1))
        }
        let result = CommitResult(chunks: committed, stateHash: Digest(2), learningRate: 0.1)
        return stage.handle(.finished(job, .committed(result)))
    }

    @Test func aCommitWaitsWhereItsSnapshotWouldQueueBehindTwoOthers() {
        var stage = Self.serving(slotCount: 1)
        let chunks = [[2], [2], [0, 1, 3], [0, 1, 3]]
        var snapshots: [JobID] = []
        for step in 0..<3 {
            let effects = Self.contribute(UInt64(step), chunks[step], to: &stage)
            let done = Self.commit(effects.jobs[0].id, chunks[step], &stage)
            snapshots += done.jobs.map(\.id)
        }
        #expect(snapshots.count == 1, "versions 0 and 2 are being written")
        #expect(Self.contribute(3, chunks[3], to: &stage).jobs.isEmpty, "4 is a checkpoint too")
        let written = stage.handle(
            .finished(snapshots[0], .written([], description: Fixture.configuration)))
        guard case .commit(let job)? = written.jobs.first?.job else {
            Issue.record("no commit in \(written)")
            return
        }
        #expect(job.step == Step(3))
    }
}
