import Hashes

extension Checkpoint {
    /// Opens a checkpoint and reads all of it to check it: SHA-256 of each file (and, to name the
    /// tensor, CRC-32 of each plane where that fails), SHA-256 of the parameters.
    /// - Throws: `CheckpointError` naming the file, and the tensor where one is hit.
    public convenience init(verifying directory: String) throws(CheckpointError) {
        let manifest = try Manifest(file: directory + "/" + Manifest.fileName)
        try self.init(verifying: manifest, in: directory, at: nil)
    }

    convenience init(
        verifying manifest: Manifest, in directory: String, at pace: BackgroundPace?
    ) throws(CheckpointError) {
        try Self.verifyFiles(of: manifest, in: directory, at: pace)
        try self.init(manifest: manifest, directory: directory)
        let found = try parametersSHA256(at: pace)
        guard found == manifest.parametersSHA256 else {
            throw CheckpointError(
                .corrupt, file: directory + "/" + Manifest.fileName,
                "expected parameters_sha256 \(manifest.parametersSHA256), found \(found)")
        }
    }

    /// Checks the shards' bytes before anything in them is believed.
    static func verifyFiles(
        of manifest: Manifest, in directory: String, at pace: BackgroundPace?
    ) throws(CheckpointError) {
        for record in manifest.shards {
            let file = try ReadableFile(path: directory + "/" + record.fileName)
            var hash = SHA256()
            try file.forEachPiece(of: 0..<file.byteCount, at: pace) { hash.update($0) }
            let found = hash.finish()
            guard found != record.sha256 else { continue }
            // Where the header is whole, the CRCs can name the tensor.
            if let shard = try? SafetensorsFile(path: file.path) {
                for tensor in shard.tensors { try checkCRC(of: tensor, in: shard) }
            }
            throw CheckpointError(
                .corrupt, file: file.path, "expected SHA-256 \(record.sha256), found \(found)")
        }
    }

    /// SHA-256 over the values of all tensors in list order, float32 little-endian, no headers.
    public func parametersSHA256() throws(CheckpointError) -> String {
        try parametersSHA256(at: nil)
    }

    func parametersSHA256(at pace: BackgroundPace?) throws(CheckpointError) -> String {
        var hash = SHA256()
        for tensor in manifest.tensors { try update(&hash, with: tensor, .values, at: pace) }
        return hash.finish()
    }

    /// SHA-256 over the optimizer slots of all tensors in list order, planes by name, then the
    /// scalars by name: equal for runs whose optimizer state is equal to the bit.
    public func optimizerSHA256() throws(CheckpointError) -> String {
        var hash = SHA256()
        for tensor in manifest.tensors {
            for plane in planes(of: tensor) where plane != .values {
                try update(&hash, with: tensor, plane, at: nil)
            }
        }
        for (name, value) in scalars.sorted(by: { $0.key < $1.key }) {
            Array("\(name)=\(value.description)\n".utf8).withUnsafeBytes { hash.update($0) }
        }
        return hash.finish()
    }

    private func update(
        _ hash: inout SHA256, with tensor: TensorEntry, _ plane: PlaneName,
        at pace: BackgroundPace?
    ) throws(CheckpointError) {
        for piece in layout.pieces(of: tensor, plane) ?? [] {
            let shard = layout.shards[piece.shard]
            let range = shard.tensor(named: piece.key)!.byteRange
            try shard.file.forEachPiece(of: range, at: pace) { hash.update($0) }
        }
    }

    private static func checkCRC(
        of tensor: SafetensorsFile.Tensor, in shard: SafetensorsFile
    ) throws(CheckpointError) {
        var sum: UInt = 0
        try shard.file.forEachPiece(of: tensor.byteRange, at: nil) { sum = crc32($0, from: sum) }
        let found = hexadecimal(UInt64(sum), digits: 8)
        let expected = shard.metadata["crc32:\(tensor.name)"] ?? "none"
        guard found == expected else {
            throw CheckpointError(
                .corrupt, file: shard.path, tensor: tensor.name,
                "expected CRC-32 \(expected), found \(found)")
        }
    }
}

extension ReadableFile {
    /// Hands over the bytes of `range` in pieces of at most 1 MiB, at that pace.
    func forEachPiece(
        of range: Range<Int>, at pace: BackgroundPace?, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(CheckpointError) {
        let capacity = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(capacity, max(range.count, 1)), alignment: 16)
        defer { buffer.deallocate() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: buffer[..<min(buffer.count, range.upperBound - offset)])
            try read(into: piece, at: offset)
            body(UnsafeRawBufferPointer(piece))
            offset += piece.count
            pace?.rest()
        }
    }
}
