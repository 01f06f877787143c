extension Configuration {
    /// What no run could make sense of, one line per problem; empty where the configuration is
    /// sound.
    public var problems: [String] {
        var check = RangeCheck()
        checkNetwork(&check)
        checkSteps(&check)
        checkOptimizer(&check)
        checkData(&check)
        checkService(&check)
        return check.problems
    }

    private func checkNetwork(_ check: inout RangeCheck) {
        check.number("network.depthMultiplier", network.depthMultiplier, above: 0, through: 8)
        check.strideOf("network.outputStride", network.outputStride)
        check.integer("network.asppChannels", network.asppChannels, 1...65_536)
        check.integer("network.lowLevelChannels", network.lowLevelChannels, 1...65_536)
        check.integer("network.decoderChannels", network.decoderChannels, 1...65_536)
        check.number("network.dropoutKeep", network.dropoutKeep, above: 0, through: 1)
        check.number("network.backboneEpsilon", network.backboneEpsilon, above: 0, through: 1)
        check.number("network.headEpsilon", network.headEpsilon, above: 0, through: 1)
        check.number("network.backboneDecay", network.backboneDecay, from: 0, below: 1)
        check.number("network.headDecay", network.headDecay, from: 0, below: 1)
        check.integer("corrector.channels", corrector.channels, 1...65_536)
    }

    private func checkSteps(_ check: inout RangeCheck) {
        let longest = 1 << 40
        check.integer("slots.count", slots.count, 1...65_536)
        check.integer("slots.batch", slots.batch, 1...4096)
        check.integer("phases.ancillary.steps", phases.ancillary.steps, 0...longest)
        check.integer("phases.warmup.steps", phases.warmup.steps, 0...longest)
        // Without `main` a run may still train the ancillary model, and the corrector with it.
        let others = [.supervised, .emFixed].contains(method) ? 0 : phases.ancillary.steps
        check.integer("phases.main.steps", phases.main.steps, (others > 0 ? 0 : 1)...longest)
        if let labelled = slots.labelled, labelled < 1 || labelled > slots.batch {
            check.add(
                "slots.labelled", "expected 1 to slots.batch = \(slots.batch), found \(labelled)")
        } else if method != .supervised, !(1..<max(slots.batch, 1)).contains(slots.labelledCount) {
            check.add(
                "slots.labelled",
                "method \(method.rawValue) needs labelled and weak images in each slot; found "
                    + "\(slots.labelledCount) labelled of slots.batch = \(slots.batch). Raise "
                    + "slots.batch to 2 or more, or use method supervised")
        }
        let needsAncillary = [.none, .linear, .convolutional].contains(method)
        if needsAncillary, ancillary.weights == nil, phases.ancillary.steps == 0 {
            check.add(
                "phases.ancillary.steps",
                "method \(method.rawValue) needs an ancillary model: give it steps, "
                    + "or a trained one as ancillary.weights")
        }
        if method == .convolutional, phases.warmup.steps == 0 {
            check.add(
                "phases.warmup.steps",
                "method convolutional trains its corrector there: expected 1 or more, found 0")
        }
    }

    private func checkOptimizer(_ check: inout RangeCheck) {
        check.number("optimizer.learningRate", optimizer.learningRate, above: 0, through: 1e3)
        for (name, rate) in [
            ("ancillary", phases.ancillary.learningRate), ("warmup", phases.warmup.learningRate),
            ("main", phases.main.learningRate),
        ] {
            if let rate {
                check.number("phases.\(name).learningRate", rate, above: 0, through: 1e3)
            }
        }
        check.number("optimizer.momentum", optimizer.momentum, from: 0, below: 1)
        check.number("optimizer.weightDecay", optimizer.weightDecay, from: 0, below: 1)
        check.number("optimizer.power", optimizer.power, from: 0, below: 100)
        check.number("optimizer.beta1", optimizer.beta1, from: 0, below: 1)
        check.number("optimizer.beta2", optimizer.beta2, from: 0, below: 1)
        check.number("optimizer.epsilon", optimizer.epsilon, above: 0, through: 1)
        check.number(
            "optimizer.biasLearningRateMultiplier", optimizer.biasLearningRateMultiplier,
            from: 0, below: 1e3)
        check.number("alpha.from", alpha.from, above: 0, through: 1e6)
        check.number("alpha.to", alpha.to, above: 0, through: 1e6)
        check.number("loss.weight", loss.weight, above: 0, through: 1e6)
        check.number("loss.labelled", loss.labelled, from: 0, below: 1e6)
        check.number("loss.weak", loss.weak, from: 0, below: 1e6)
        // As a float it must be neither 0 nor infinite.
        check.number("gradients.cap", gradients.cap, above: 1e-30, through: 1e38)
    }

    private func checkData(_ check: inout RangeCheck) {
        if data.crop < 17 || data.crop > 8193 || data.crop % 16 != 1 {
            let nearest = (min(max(data.crop, 17), 8193) + 7) / 16 * 16 + 1
            check.add(
                "data.crop",
                "expected a side of the form 16k+1 from 17 to 8193, found \(data.crop); "
                    + "the nearest is \(nearest)")
        }
        check.scales("data.scales", data.scales)
        check.scales("evaluate.scales", evaluate.scales)
        if let supervised = data.supervised {
            check.integer("data.supervised", supervised, 1...Int(Int32.max))
            if data.weak != nil {
                check.add(
                    "data.weak",
                    "data.supervised makes the rest of F's list W; set only one of them")
            }
        }
        if data.validation.isEmpty {
            check.add("data.validation", "expected the name of a list, found an empty string")
        }
        let isCOCO = data.boxes.hasPrefix("coco:") && data.boxes.count > "coco:".count
        if !isCOCO, !["xml", "masks"].contains(data.boxes) {
            check.add(
                "data.boxes", "expected xml, masks or coco:FILE, found \"\(data.boxes)\"")
        }
        check.integer("evaluate.every", evaluate.every, 0...Int.max)
        if let stride = evaluate.outputStride { check.strideOf("evaluate.outputStride", stride) }
    }

    private func checkService(_ check: inout RangeCheck) {
        check.integer("checkpoint.every", checkpoint.every, 0...Int.max)
        check.integer("checkpoint.keep", checkpoint.keep, 1...1_000_000)
        if precision != .float32, engine.gemm != .native {
            check.add(
                "precision",
                "\(precision.rawValue) needs engine.gemm native, found \(engine.gemm.rawValue)")
        }
        check.integer("protocol.chunkMebibytes", `protocol`.chunkMebibytes, 1...16)
    }
}

/// Collects values out of range.
private struct RangeCheck {
    var problems: [String] = []

    mutating func add(_ key: String, _ problem: String) { problems.append("\(key): \(problem)") }

    mutating func integer(_ key: String, _ value: Int, _ range: ClosedRange<Int>) {
        guard !range.contains(value) else { return }
        let bound =
            range.upperBound == .max
            ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
        add(key, "expected \(bound), found \(value)")
    }

    mutating func number(_ key: String, _ value: Double, above low: Double, through high: Double) {
        guard !(value > low && value <= high) else { return }
        add(key, "expected more than \(low) and at most \(high), found \(value)")
    }

    mutating func number(_ key: String, _ value: Double, from low: Double, below high: Double) {
        guard !(value >= low && value < high) else { return }
        add(key, "expected at least \(low) and less than \(high), found \(value)")
    }

    mutating func strideOf(_ key: String, _ value: Int) {
        if value != 8, value != 16 { add(key, "expected 8 or 16, found \(value)") }
    }

    mutating func scales(_ key: String, _ values: [Double]) {
        if values.isEmpty { add(key, "expected at least one scale, as in [1]") }
        for value in values { number(key, value, from: 0.1, below: 10) }
    }
}
