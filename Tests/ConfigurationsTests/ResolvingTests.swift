import Configurations
import Testing

/// The problems of a configuration that must be refused.
private func problems(yaml: String? = nil, _ overrides: String...) throws -> [String] {
    let error = try #require(throws: ConfigurationError.self) {
        try ResolvedConfiguration(yaml: yaml, path: "train.yaml", overrides: overrides)
    }
    #expect(error.exitCode == .configuration)
    #expect(error.exitCode.rawValue == 78)
    return error.problems
}

@Suite struct ResolvingTests {
    @Test func `Defaults are the paper's`() throws {
        let configuration = try ResolvedConfiguration(file: nil, overrides: []).configuration
        #expect(configuration == Configuration())
        #expect(configuration.method == .linear)
        #expect(configuration.slots.count * configuration.slots.batch == 16)
        #expect(configuration.slots.labelledCount == 2)
        #expect(configuration.phases.main.steps == 30_000)
        #expect(configuration.optimizer.learningRate == 0.007)
        #expect(configuration.optimizer.weightDecay == 4e-5)
        #expect(configuration.alpha.from == 30 && configuration.alpha.to == 0.5)
        #expect(configuration.emFixed.background == 5 && configuration.emFixed.foreground == 6)
    }

    @Test func `Overrides win over the file, the file over defaults`() throws {
        let yaml = """
            method: em-fixed   # a comment
            optimizer:
              rule: adamw
              learningRate: 1e-3
            data: {crop: 129, scales: [0.5, 1, 1.5], labelled: "60"}
            slots:
              labelled: null
            """
        let resolved = try ResolvedConfiguration(
            yaml: yaml, path: "train.yaml",
            overrides: [
                "data.crop=65", "data.crop=257", "evaluate.scales=[1, 1.5]", "data.flip=false",
            ])
        let configuration = resolved.configuration
        #expect(configuration.method == .emFixed)
        #expect(configuration.optimizer.rule == .adamw)
        #expect(configuration.optimizer.learningRate == 0.001)
        #expect(configuration.optimizer.power == 0.9)
        #expect(configuration.data.crop == 257)
        #expect(configuration.data.scales == [0.5, 1, 1.5])
        #expect(configuration.data.labelled == "60")
        #expect(configuration.evaluate.scales == [1, 1.5])
        #expect(!configuration.data.flip)
        #expect(resolved.origin(of: "optimizer.rule") == .file(path: "train.yaml", line: 3))
        #expect(resolved.origin(of: "data.crop") == .override)
        #expect(resolved.origin(of: "seed") == .standard)
    }

    @Test(arguments: [
        ([], 0.997), (["network.backbone=tiny"], 0.997), (["network.backbone=xception65"], 0.9997),
        (["network.backboneDecay=0.9", "network.backbone=xception65"], 0.9),
    ])
    func `The decay of batch norms follows the backbone unless it is given`(
        overrides: [String], decay: Double
    ) throws {
        let resolved = try ResolvedConfiguration(file: nil, overrides: overrides)
        #expect(resolved.configuration.network.backboneDecay == decay)
        let again = try Configuration(canonicalJSON: resolved.configuration.canonicalJSON)
        #expect(again == resolved.configuration)
    }

    @Test func `A null takes an optional key back to its default`() throws {
        let configuration = try ResolvedConfiguration(
            yaml: "network: {weights: a.safetensors}", path: "train.yaml",
            overrides: ["network.weights=null"]
        ).configuration
        #expect(configuration.network.weights == nil)
    }

    @Test func `An unknown key is refused with the nearest known one`() throws {
        #expect(
            try problems(yaml: "optimizer:\n  learningrate: 0.1\n") == [
                "train.yaml:2: unknown key optimizer.learningrate; "
                    + "did you mean optimizer.learningRate?"
            ])
        #expect(
            try problems("optimiser.rule=sgd") == [
                "command line: unknown key optimiser.rule; did you mean optimizer.rule?"
            ])
        #expect(
            try problems("learningRate=1").first?.contains("did you mean") == true)
        #expect(
            try problems("zzzzzzzz=1") == [
                "command line: unknown key zzzzzzzz; `emend config show` lists the keys"
            ])
    }

    @Test func `A section cannot be given a plain value`() throws {
        #expect(
            try problems("slots=4") == [
                "command line: slots is a section; "
                    + "set one of slots.count, slots.batch, slots.labelled"
            ])
    }

    @Test(arguments: [
        ("slots.count=four", "slots.count: expected an integer, found \"four\""),
        ("slots.count=4.5", "slots.count: expected an integer, found 4.5"),
        ("slots.count=null", "slots.count: expected an integer, found null"),
        ("seed=-1", "seed: expected an integer from 0 to \(Int.max), found -1"),
        ("data.flip=yes", "data.flip: expected true or false, found \"yes\""),
        (
            "protocol.consistency=lag",
            "protocol.consistency: expected sync, or lag:k with k from 1 to 8, as in lag:1, "
                + "found \"lag\""
        ),
        (
            "protocol.consistency=lag:9",
            "protocol.consistency: expected sync, or lag:k with k from 1 to 8, as in lag:1, "
                + "found \"lag:9\""
        ),
        ("alpha.from=true", "alpha.from: expected a number, found true"),
        ("alpha.from=nan", "alpha.from: expected a number, found \"nan\""),
        ("alpha.from=1e999", "alpha.from: expected a number, found \"1e999\""),
        ("data.scales=1", "data.scales: expected a list, each element a number, found 1"),
        (
            "data.scales=[1,x]",
            "data.scales: expected a list, each element a number, found [1,\"x\"]"
        ),
        (
            "data.validation=7",
            "data.validation: expected a string (quoted if it looks like a number), found 7"
        ),
        (
            "method=lineal",
            "method: expected one of supervised, none, linear, convolutional, em-fixed, "
                + "found \"lineal\""
        ),
    ])
    func `A value of another type names key, expectation and value`(
        override: String, message: String
    ) throws {
        #expect(try problems(override) == ["command line: \(message)"])
    }

    @Test(arguments: [
        "slots.count", "=3", "slots.count=", "data.scales=[1,2", "data.scales=1]",
        "data.scales=[1,,2]", "data.validation='val",
    ])
    func `A malformed override is refused`(text: String) throws {
        let problems = try problems(text)
        #expect(problems.count == 1)
        #expect(problems[0].contains("command line: "))
        #expect(problems[0].contains("expected"))
    }

    @Test(arguments: [
        "a: b: c", "[1, 2]", "just words", "slots: [[1]]", "method: linear\nmethod: none",
        "slots: &x {count: 4}\nother: *x", "seed: 1\n---\nseed: 2", "? [a]\n: 1",
        "a: {b: {c: {d: {e: 1}}}}", "\t- x", "seed: \"1",
    ])
    func `A malformed file is refused with its name`(yaml: String) throws {
        let problems = try problems(yaml: yaml)
        #expect(problems.allSatisfy { $0.hasPrefix("train.yaml:") })
    }

    @Test(arguments: ["", "\n\n", "# nothing\n", "{}"])
    func `An empty file means the defaults`(yaml: String) throws {
        let resolved = try ResolvedConfiguration(yaml: yaml, path: "train.yaml", overrides: [])
        #expect(resolved.configuration == Configuration())
    }

    @Test func `Every problem is reported in one pass`() throws {
        let found = try problems(yaml: "sed: 1\nslots: {count: x}\n", "data.crops=65")
        #expect(found.count == 3)
    }

    @Test func `A file that is not there exits with 66`() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try ResolvedConfiguration(file: "/nonexistent/train.yaml", overrides: [])
        }
        #expect(error.exitCode.rawValue == 66)
        #expect(error.problems[0].contains("/nonexistent/train.yaml"))
    }
}
