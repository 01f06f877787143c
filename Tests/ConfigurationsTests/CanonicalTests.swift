import Configurations
import Foundation
import Testing

@Suite struct CanonicalTests {
    private static let overrides = [
        "seed=18", "method=em-fixed", "network.weights=\"dir/with \\ and ü.safetensors\"",
        "slots.labelled=1", "optimizer.weightDecay=0.1", "data.scales=[0.5,1,1.25]",
        "phases.warmup.learningRate=3e-05", "data.supervised=60", "network.headEpsilon=0.00001",
        "gradients.cap=1000.5", "gradients.badSlot=stop", "precision=bf16",
        "protocol.consistency=lag:2", "gradients.format=bf16",
    ]

    @Test func `Canonical JSON reads back to the same configuration, twice over`() throws {
        for overrides in [[], Self.overrides] {
            let configuration = try ResolvedConfiguration(file: nil, overrides: overrides)
                .configuration
            let json = configuration.canonicalJSON
            let decoded = try JSONDecoder().decode(Configuration.self, from: Data(json.utf8))
            #expect(decoded == configuration)
            let again = try Configuration(canonicalJSON: json)
            #expect(again == configuration)
            #expect(again.canonicalJSON == json)
        }
    }

    @Test func `Every stored property has a key`() throws {
        // Codable's synthesis sees every property; the field table must hold the same keys.
        var configuration = Configuration()
        configuration.network.weights = "w"
        configuration.ancillary.weights = "w"
        configuration.slots.labelled = 2
        configuration.phases.ancillary.learningRate = 1
        configuration.phases.warmup.learningRate = 1
        configuration.phases.main.learningRate = 1
        configuration.data.labelled = "l"
        configuration.data.weak = "w"
        configuration.data.supervised = 1
        configuration.data.recording = "r"
        configuration.evaluate.outputStride = 8
        configuration.numerics.class = "c"
        let synthesized =
            try JSONSerialization.jsonObject(
                with: JSONEncoder().encode(configuration)) as? NSDictionary
        let canonical =
            try JSONSerialization.jsonObject(
                with: Data(configuration.canonicalJSON.utf8)) as? NSDictionary
        #expect(synthesized == canonical)
    }

    @Test func `Keys of canonical JSON are sorted and hold no spaces`() throws {
        let json = Configuration().canonicalJSON
        #expect(json.hasPrefix("{\"alpha\":{\"from\":30,\"to\":0.5},\"ancillary\":{"))
        #expect(!json.contains(" "))
    }

    @Test func `The hash is SHA-256 of the canonical JSON and moves with every key`() throws {
        let standard = Configuration()
        #expect(standard.sha256.count == 64)
        var seen: Set<String> = [standard.sha256]
        for override in Self.overrides {
            let changed = try ResolvedConfiguration(file: nil, overrides: [override]).configuration
            if changed != standard { #expect(seen.insert(changed.sha256).inserted) }
        }
        #expect(seen.count == Self.overrides.count)
    }

    @Test func `The rendering shows origins and reads back to itself`() throws {
        let resolved = try ResolvedConfiguration(
            yaml: "seed: 5", path: "a.yaml", overrides: Self.overrides.filter { $0 != "seed=18" })
        let yaml = resolved.yaml
        #expect(yaml.contains("# a.yaml:1"))
        #expect(yaml.contains("# command line"))
        #expect(yaml.contains("# default"))
        let again = try ResolvedConfiguration(yaml: yaml, path: "b.yaml", overrides: [])
        #expect(again.configuration == resolved.configuration)
        let json = try JSONSerialization.jsonObject(with: Data(resolved.json.utf8)) as? NSDictionary
        let values = json?["values"] as? NSDictionary
        let seed = values?["seed"] as? NSDictionary
        #expect(seed?["value"] as? Int == 5)
        #expect(seed?["origin"] as? String == "a.yaml:1")
        #expect(json?["sha256"] as? String == resolved.configuration.sha256)
    }

    @Test func `Two configurations differ in the keys whose values differ`() throws {
        let standard = Configuration()
        let other = try ResolvedConfiguration(
            file: nil, overrides: ["optimizer.momentum=0.5", "seed=3", "method=linear"]
        ).configuration
        let differences = other.differences(from: standard)
        #expect(
            differences.map(\.key).sorted()
                == ["method", "optimizer.momentum", "seed"].filter {
                    $0 != "method" || standard.method != .linear
                })
        #expect(differences.first { $0.key == "seed" }.map { [$0.own, $0.other] } == ["3", "0"])
        #expect(standard.differences(from: standard).isEmpty)
    }
}
