/// Which run a ledger belongs to, and what its entries are judged by.
package struct LedgerHeader: Equatable, Sendable {
    /// Whether a step that is done again must come to the same bits.
    package enum Numerics: String, Sendable {
        case strict, loose
    }

    package struct Phase: Equatable, Sendable {
        package var name: String
        package var firstStep: UInt64
        package var stepCount: UInt64
        package var trainedGroups: [String]

        package init(name: String, firstStep: UInt64, stepCount: UInt64, trainedGroups: [String]) {
            self.name = name
            self.firstStep = firstStep
            self.stepCount = stepCount
            self.trainedGroups = trainedGroups
        }
    }

    /// A contiguous piece of one group's flat list of tensors; element i of the list has id i.
    package struct Chunk: Equatable, Sendable {
        package var group: String
        package var firstElement: Int
        package var elementCount: Int

        package init(group: String, firstElement: Int, elementCount: Int) {
            self.group = group
            self.firstElement = firstElement
            self.elementCount = elementCount
        }
    }

    static let format = "emend-ledger-1"

    /// 32 hexadecimal digits.
    package var run: String
    /// 64 hexadecimal digits.
    package var configurationSHA256: String
    /// V.
    package var slotCount: Int
    /// b.
    package var samplesPerSlot: Int
    package var numerics: Numerics
    /// In the order of their steps, without gaps, from step 0.
    package var phases: [Phase]
    package var chunks: [Chunk]

    package init(
        run: String, configurationSHA256: String, slotCount: Int, samplesPerSlot: Int,
        numerics: Numerics, phases: [Phase], chunks: [Chunk]
    ) {
        self.run = run
        self.configurationSHA256 = configurationSHA256
        self.slotCount = slotCount
        self.samplesPerSlot = samplesPerSlot
        self.numerics = numerics
        self.phases = phases
        self.chunks = chunks
    }

    package var stepCount: UInt64 { phases.reduce(0) { $0 + $1.stepCount } }

    /// The chunks that a step trains, by id; nil for a step beyond the run's end.
    package func trainedChunks(at step: UInt64) -> [Int]? {
        guard
            let phase = phases.first(where: {
                $0.firstStep <= step && step - $0.firstStep < $0.stepCount
            })
        else { return nil }
        return chunks.indices.filter { phase.trainedGroups.contains(chunks[$0].group) }
    }

    /// The first fact in which this header is not `expected`: its name, found and expected; nil
    /// where they are equal.
    func firstDifference(from expected: LedgerHeader) -> String? {
        func difference(_ name: String, _ found: String, _ expected: String) -> String? {
            found == expected ? nil : "\(name) is \(found) instead of \(expected)"
        }
        return difference("run", run, expected.run)
            ?? difference(
                "configuration_sha256", configurationSHA256, expected.configurationSHA256)
            ?? difference("slots", "\(slotCount)", "\(expected.slotCount)")
            ?? difference("samples_per_slot", "\(samplesPerSlot)", "\(expected.samplesPerSlot)")
            ?? difference("numerics", numerics.rawValue, expected.numerics.rawValue)
            ?? difference("phases", phasesText, expected.phasesText)
            ?? difference("chunks", chunksText, expected.chunksText)
    }
}

// MARK: Text

extension LedgerHeader {
    /// What is equal for all runs of one configuration.
    var trainingText: String {
        "{\"format\":\(quoted(Self.format)),\"configuration_sha256\":\(quoted(configurationSHA256))"
            + ",\"slots\":\(slotCount),\"samples_per_slot\":\(samplesPerSlot)"
            + ",\"numerics\":\(quoted(numerics.rawValue))"
            + ",\"phases\":\(phasesText),\"chunks\":\(chunksText)}"
    }

    private var phasesText: String {
        list(phases) {
            "{\"name\":\(quoted($0.name)),\"first_step\":\($0.firstStep)"
                + ",\"step_count\":\($0.stepCount)"
                + ",\"trained_groups\":\(list($0.trainedGroups, quoted))}"
        }
    }

    private var chunksText: String {
        list(Array(chunks.enumerated())) { id, chunk in
            "{\"chunk\":\(id),\"group\":\(quoted(chunk.group))"
                + ",\"first_element\":\(chunk.firstElement)"
                + ",\"element_count\":\(chunk.elementCount)}"
        }
    }
}

extension LedgerHeader: Decodable {
    private enum LineKey: String, CodingKey { case training, run }

    private struct Training: Decodable {
        var configurationSha256: String
        var slots: Int
        var samplesPerSlot: Int
        var numerics: String
        var phases: [Phase]
        var chunks: [Chunk]
    }

    package init(from decoder: any Decoder) throws {
        let line = try decoder.container(keyedBy: LineKey.self)
        run = try line.decode(String.self, forKey: .run)
        let training = try line.decode(Training.self, forKey: .training)
        configurationSHA256 = training.configurationSha256
        slotCount = training.slots
        samplesPerSlot = training.samplesPerSlot
        guard let numerics = Numerics(rawValue: training.numerics) else {
            throw MalformedLine("numerics is neither strict nor loose")
        }
        self.numerics = numerics
        phases = training.phases
        chunks = training.chunks
    }
}

extension LedgerHeader.Phase: Decodable {}

extension LedgerHeader.Chunk: Decodable {}
