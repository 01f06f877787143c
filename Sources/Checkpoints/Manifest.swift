import Hashes

/// What a checkpoint is: it exists once its manifest does.
public struct Manifest: Equatable, Sendable {
    static let format = "emend-checkpoint-1"
    static let fileName = "manifest.json"
    static let maximumByteCount = 64 << 20

    /// Identity of the run; equal in every shard.
    public var runID: String
    /// Commits so far: parameters have this version.
    public var step: Int
    /// Name of the phase that the run is in, as `main`.
    public var phase: String
    /// Commits within the phase.
    public var stepInPhase: Int
    /// The run's configuration and its data set as text, one line of canonical JSON each.
    public var configuration: String
    /// SHA-256 of `configuration`, in lower-case hexadecimal.
    public var configurationSHA256: String
    /// The run's numerics class; empty before a worker has named one.
    public var numericsClass: String
    /// Every tensor in list order, which is the order of `parametersSHA256`.
    public var tensors: [TensorEntry]
    /// The shard files, by file name.
    public var shards: [ShardRecord]
    /// SHA-256 over the values of all tensors in list order, float32 little-endian, no headers.
    public var parametersSHA256: String
    /// Further facts, such as shard terms, by name.
    public var details: [String: String]

    private var json: JSON {
        .sorted([
            .init("format", .string(Self.format)),
            .init("run", .string(runID)),
            .init("step", .integer(step)),
            .init("phase", .string(phase)),
            .init("step_in_phase", .integer(stepInPhase)),
            .init("configuration", .string(configuration)),
            .init("configuration_sha256", .string(configurationSHA256)),
            .init("numerics_class", .string(numericsClass)),
            .init("parameters_sha256", .string(parametersSHA256)),
            .init("details", .sorted(details.map { .init($0.key, .string($0.value)) })),
            .init(
                "files",
                .array(
                    shards.map {
                        .sorted([
                            .init("name", .string($0.fileName)),
                            .init("byte_count", .integer($0.byteCount)),
                            .init("sha256", .string($0.sha256)),
                        ])
                    })),
            .init(
                "tensors",
                .array(
                    tensors.map {
                        .sorted([
                            .init("group", .string($0.group)),
                            .init("name", .string($0.name)),
                            .init("shape", .array($0.shape.map(JSON.integer))),
                        ])
                    })),
        ])
    }

    /// The file: one line `{"manifest":…,"sha256":…}`, where the hash is over the text of the
    /// first.
    var fileText: String {
        let inner = json
        return JSON.object([
            .init("manifest", inner), .init("sha256", .string(SHA256.hash(inner.text.utf8))),
        ]).text + "\n"
    }
}

extension Manifest {
    /// Reads and checks a manifest; any changed byte is found.
    /// - Throws: `CheckpointError` naming the file.
    init(file path: String) throws(CheckpointError) {
        let bytes = try ReadableFile(path: path).contents(maximumByteCount: Self.maximumByteCount)
        let outer: JSON
        do {
            outer = try bytes.withUnsafeBytes { try JSONParser.parse($0) }
        } catch {
            throw CheckpointError(.corrupt, file: path, "\(error)")
        }
        guard let inner = outer["manifest"], let expected = outer["sha256"]?.string else {
            throw CheckpointError(.corrupt, file: path, "expected members manifest and sha256")
        }
        let found = SHA256.hash(inner.text.utf8)
        guard found == expected, Array((outer.text + "\n").utf8) == bytes else {
            throw CheckpointError(
                .corrupt, file: path, "expected SHA-256 \(expected), found \(found)")
        }
        guard let manifest = Manifest(inner) else {
            throw CheckpointError(
                .corrupt, file: path,
                "expected format \(Self.format), found \(inner["format"]?.text ?? "none")")
        }
        self = manifest
    }

    private init?(_ json: JSON) {
        guard json["format"]?.string == Self.format,
            let runID = json["run"]?.string,
            let step = json["step"]?.integer, step >= 0,
            let phase = json["phase"]?.string,
            let stepInPhase = json["step_in_phase"]?.integer, stepInPhase >= 0,
            let configuration = json["configuration"]?.string,
            let configurationSHA256 = json["configuration_sha256"]?.string,
            let numericsClass = json["numerics_class"]?.string,
            let parametersSHA256 = json["parameters_sha256"]?.string,
            let details = json["details"]?.members,
            let files = json["files"]?.array,
            let tensors = json["tensors"]?.array
        else { return nil }
        self.runID = runID
        self.step = step
        self.phase = phase
        self.stepInPhase = stepInPhase
        self.configuration = configuration
        self.configurationSHA256 = configurationSHA256
        self.numericsClass = numericsClass
        self.parametersSHA256 = parametersSHA256
        self.details = [:]
        for member in details { self.details[member.key] = member.value.string ?? "" }
        self.shards = files.compactMap(Self.shard)
        self.tensors = tensors.compactMap(Self.tensor)
        guard shards.count == files.count, self.tensors.count == tensors.count else { return nil }
    }

    private static func shard(_ json: JSON) -> ShardRecord? {
        guard let name = json["name"]?.string, !name.isEmpty, !name.contains("/"), name != "..",
            let byteCount = json["byte_count"]?.integer, let sha256 = json["sha256"]?.string
        else { return nil }
        return ShardRecord(fileName: name, byteCount: byteCount, sha256: sha256)
    }

    private static func tensor(_ json: JSON) -> TensorEntry? {
        guard let group = json["group"]?.string, let name = json["name"]?.string,
            let extents = json["shape"]?.array, !group.isEmpty, !group.contains("/"),
            !name.contains(where: { "/@".contains($0) })
        else { return nil }
        let shape = extents.compactMap(\.integer)
        guard shape.count == extents.count else { return nil }
        var count = 1
        for extent in shape {
            guard extent >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            count = product
        }
        return TensorEntry(group: group, name: name, shape: shape)
    }
}
