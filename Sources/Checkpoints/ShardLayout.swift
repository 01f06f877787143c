/// Which file holds which elements of which tensor.
struct ShardLayout: Sendable {
    struct Piece: Sendable {
        var offset: Int
        var count: Int
        var shard: Int
        /// The tensor's name in the shard file.
        var key: String
    }

    private struct PlaneKey: Hashable {
        var group: String
        var name: String
        var plane: PlaneName
    }

    let shards: [SafetensorsFile]
    private var piecesByPlane: [PlaneKey: [Piece]] = [:]

    /// - Parameter file: the manifest, for messages.
    init(
        _ shards: [SafetensorsFile], tensors: [TensorEntry], file: String
    ) throws(CheckpointError) {
        self.shards = shards
        let entries = Dictionary(
            tensors.map { (PlaneKey(group: $0.group, name: $0.name, plane: .values), $0) },
            uniquingKeysWith: { first, _ in first })
        guard entries.count == tensors.count else {
            throw CheckpointError(.corrupt, file: file, "a tensor is listed twice")
        }
        for (index, shard) in shards.enumerated() {
            for tensor in shard.tensors {
                guard let key = ShardKey(tensor.name),
                    entries[PlaneKey(group: key.group, name: key.name, plane: .values)] != nil,
                    tensor.dataType == .float32
                else {
                    throw CheckpointError(
                        .corrupt, file: shard.path, tensor: tensor.name,
                        "the manifest lists no such float32 tensor")
                }
                let plane = PlaneKey(group: key.group, name: key.name, plane: key.plane)
                piecesByPlane[plane, default: []].append(
                    Piece(
                        offset: key.offset, count: tensor.elementCount, shard: index,
                        key: tensor.name))
            }
        }
        for key in Array(piecesByPlane.keys) {
            piecesByPlane[key]!.sort { ($0.offset, $0.count) < ($1.offset, $1.count) }
        }
        for tensor in tensors { try check(tensor, file: file) }
    }

    func pieces(of tensor: TensorEntry, _ plane: PlaneName) -> [Piece]? {
        piecesByPlane[PlaneKey(group: tensor.group, name: tensor.name, plane: plane)]
    }

    func planes(of tensor: TensorEntry) -> [PlaneName] {
        piecesByPlane.keys.filter { $0.group == tensor.group && $0.name == tensor.name }
            .map(\.plane).sorted()
    }

    private func check(_ tensor: TensorEntry, file: String) throws(CheckpointError) {
        let label = "\(tensor.group)/\(tensor.name)"
        let planes = planes(of: tensor)
        guard planes.contains(.values) || tensor.elementCount == 0 else {
            throw CheckpointError(.corrupt, file: file, tensor: label, "missing from every shard")
        }
        for plane in planes {
            var end = 0
            for piece in pieces(of: tensor, plane)! {
                guard piece.offset == end else {
                    throw CheckpointError(
                        .corrupt, file: shards[piece.shard].path, tensor: piece.key,
                        "expected elements from \(end) on, found \(piece.offset): "
                            + (piece.offset < end ? "written twice" : "some are missing"))
                }
                end += piece.count
            }
            guard end == tensor.elementCount else {
                throw CheckpointError(
                    .corrupt, file: file, tensor: label,
                    "plane \(plane.rawValue): "
                        + "expected \(tensor.elementCount) elements, found \(end)"
                )
            }
        }
    }
}
