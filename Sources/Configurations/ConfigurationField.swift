/// One key of the configuration: its name, its type and where it lies in the tree.
struct ConfigurationField: Sendable {
    /// The path with dots: `optimizer.learningRate`.
    let key: String
    /// What the key expects, for messages.
    let expected: String
    let read: @Sendable (Configuration) -> ConfigurationValue
    /// Stores a value; false where it is of another type.
    let write: @Sendable (inout Configuration, ConfigurationValue) -> Bool

    init<Value: FieldValue>(
        _ key: String, _ path: any WritableKeyPath<Configuration, Value> & Sendable
    ) {
        self.key = key
        expected = Value.expected
        read = { $0[keyPath: path].configurationValue }
        write = { configuration, value in
            guard let typed = Value(value) else { return false }
            configuration[keyPath: path] = typed
            return true
        }
    }
}

extension ConfigurationField {
    /// Every key, in the order in which they are shown.
    static let all: [ConfigurationField] = run + networks + training + inputs + service

    private static let run: [ConfigurationField] = [
        .init("seed", \.seed),
        .init("method", \.method),
    ]

    private static let networks: [ConfigurationField] = [
        .init("network.backbone", \.network.backbone),
        .init("network.depthMultiplier", \.network.depthMultiplier),
        .init("network.outputStride", \.network.outputStride),
        .init("network.asppChannels", \.network.asppChannels),
        .init("network.lowLevelChannels", \.network.lowLevelChannels),
        .init("network.decoderChannels", \.network.decoderChannels),
        .init("network.dropoutKeep", \.network.dropoutKeep),
        .init("network.backboneEpsilon", \.network.backboneEpsilon),
        .init("network.headEpsilon", \.network.headEpsilon),
        .init("network.backboneDecay", \.network.backboneDecay),
        .init("network.headDecay", \.network.headDecay),
        .init("network.headInitialisation", \.network.headInitialisation),
        .init("network.unreachableTaps", \.network.unreachableTaps),
        .init("network.weights", \.network.weights),
        .init("ancillary.weights", \.ancillary.weights),
        .init("ancillary.gateBias", \.ancillary.gateBias),
        .init("ancillary.gateDeviation", \.ancillary.gateDeviation),
        .init("ancillary.boxResize", \.ancillary.boxResize),
        .init("corrector.channels", \.corrector.channels),
        .init("corrector.finalReLU", \.corrector.finalReLU),
        .init("corrector.backpropToPrimary", \.corrector.backpropToPrimary),
        .init("corrector.outputBias", \.corrector.outputBias),
    ]

    private static let training: [ConfigurationField] = [
        .init("slots.count", \.slots.count),
        .init("slots.batch", \.slots.batch),
        .init("slots.labelled", \.slots.labelled),
        .init("phases.ancillary.steps", \.phases.ancillary.steps),
        .init("phases.ancillary.learningRate", \.phases.ancillary.learningRate),
        .init("phases.warmup.steps", \.phases.warmup.steps),
        .init("phases.warmup.learningRate", \.phases.warmup.learningRate),
        .init("phases.main.steps", \.phases.main.steps),
        .init("phases.main.learningRate", \.phases.main.learningRate),
        .init("optimizer.rule", \.optimizer.rule),
        .init("optimizer.learningRate", \.optimizer.learningRate),
        .init("optimizer.momentum", \.optimizer.momentum),
        .init("optimizer.weightDecay", \.optimizer.weightDecay),
        .init("optimizer.power", \.optimizer.power),
        .init("optimizer.beta1", \.optimizer.beta1),
        .init("optimizer.beta2", \.optimizer.beta2),
        .init("optimizer.epsilon", \.optimizer.epsilon),
        .init("optimizer.biasLearningRateMultiplier", \.optimizer.biasLearningRateMultiplier),
        .init("alpha.from", \.alpha.from),
        .init("alpha.to", \.alpha.to),
        .init("loss.weight", \.loss.weight),
        .init("loss.labelled", \.loss.labelled),
        .init("loss.weak", \.loss.weak),
        .init("gradients.cap", \.gradients.cap),
        .init("gradients.badSlot", \.gradients.badSlot),
        .init("gradients.format", \.gradients.format),
        .init("emFixed.background", \.emFixed.background),
        .init("emFixed.foreground", \.emFixed.foreground),
    ]

    private static let inputs: [ConfigurationField] = [
        .init("data.format", \.data.format),
        .init("data.labelled", \.data.labelled),
        .init("data.weak", \.data.weak),
        .init("data.supervised", \.data.supervised),
        .init("data.splitSeed", \.data.splitSeed),
        .init("data.pool", \.data.pool),
        .init("data.validation", \.data.validation),
        .init("data.crop", \.data.crop),
        .init("data.scales", \.data.scales),
        .init("data.flip", \.data.flip),
        .init("data.badFile", \.data.badFile),
        .init("data.boxes", \.data.boxes),
        .init("data.recording", \.data.recording),
        .init("evaluate.every", \.evaluate.every),
        .init("evaluate.scales", \.evaluate.scales),
        .init("evaluate.flip", \.evaluate.flip),
        .init("evaluate.outputStride", \.evaluate.outputStride),
    ]

    private static let service: [ConfigurationField] = [
        .init("checkpoint.every", \.checkpoint.every),
        .init("checkpoint.keep", \.checkpoint.keep),
        .init("precision", \.precision),
        .init("engine.gemm", \.engine.gemm),
        .init("numerics.admission", \.numerics.admission),
        .init("numerics.class", \.numerics.class),
        .init("protocol.consistency", \.protocol.consistency),
        .init("protocol.chunkMebibytes", \.protocol.chunkMebibytes),
    ]
}
