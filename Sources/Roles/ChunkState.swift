import CKernels
import Optimizers
import TrainingProtocol

/// A chunk as its server holds it: values, optimizer slots, and how a commit changes them.
struct ChunkState {
    let chunk: Chunk
    let pieces: [ChunkPiece]
    private let ranges: [UpdateRange]
    private let blocks: FloatBlocks
    /// Never written once it is here: commits replace it.
    private(set) var values: FloatBlocks.Block
    /// One per slot of the rule; a snapshot shares them until the next commit copies.
    private(set) var slots: [FloatBlocks.Block]
    private(set) var hash: Digest
    private var slotHashes: [Digest]

    /// - Parameter weightDecay: the coefficient for the tensors that decay.
    init(
        _ chunk: Chunk, pieces: [ChunkPiece], values: FloatBlocks.Block,
        slots: [FloatBlocks.Block], weightDecay: Float, blocks: FloatBlocks
    ) {
        self.chunk = chunk
        self.pieces = pieces
        self.values = values
        self.slots = slots
        self.blocks = blocks
        ranges = pieces.map { piece in
            UpdateRange(
                elements: piece.chunkOffset..<piece.chunkOffset + piece.count,
                weightDecay: piece.tensor.attributes.weightDecay == .applied ? weightDecay : 0,
                learningRateMultiplier: Double(piece.tensor.attributes.learningRateMultiplier))
        }
        hash = Digest(of: values)
        slotHashes = slots.map { Digest(of: $0) }
    }

    var committed: CommittedChunk {
        CommittedChunk(chunk: chunk.id, payload: values.frame, hash: hash)
    }

    /// Hashes of everything that the next commit depends on.
    var stateHashes: [UInt64] { [hash.value] + slotHashes.map(\.value) }

    /// Slots of zeros: the state in which a phase begins.
    mutating func resetSlots(_ count: Int) {
        slots = (0..<count).map { _ in blocks.zeros(chunk.elementCount) }
        slotHashes = slots.map { Digest(of: $0) }
    }

    /// One step: reduces the nodes to the root, scales by 1/V, applies the rule.
    ///
    /// Returns the root where it is wanted.
    mutating func apply(
        _ nodes: [CommitJob.NodePayload], _ step: StepUpdate, roots: CommitJob.RootDemand,
        kernels: UnsafePointer<ck_table>
    ) -> Frame? {
        let format = step.gradientFormat.applied(to: chunk.group)
        let root = sum(of: nodes, step.tree, format, kernels)
        let kept = roots == .wanted ? frame(of: root, format, kernels) : nil
        switch chunk.group.rule {
        case .descent: descend(root, step, kernels)
        case .movingAverage: average(root, step, kernels)
        }
        return kept
    }

    /// The root as the backup gets it: a moving average writes into its sums, so those are copied.
    private func frame(
        of root: Sum, _ format: GradientFormat, _ kernels: UnsafePointer<ck_table>
    ) -> Frame {
        if format == .bfloat16 { return blocks.bfloat16(root.floats, kernels: kernels) }
        return switch root {
        case .payload(let frame): frame
        case .block(let block):
            chunk.group.rule == .movingAverage ? block.copy().frame : block.frame
        }
    }

    /// Elements that are copied, changed and hashed at a time: with their gradient and slots they
    /// fit a core's cache.
    private static let tileElementCount = 1 << 15

    static func tiles(of elementCount: Int) -> [Range<Int>] {
        stride(from: 0, to: elementCount, by: tileElementCount).map {
            $0..<min($0 + tileElementCount, elementCount)
        }
    }

    private mutating func descend(
        _ root: Sum, _ step: StepUpdate, _ kernels: UnsafePointer<ck_table>
    ) {
        for index in slots.indices where !isKnownUniquelyReferenced(&slots[index]) {
            slots[index] = slots[index].copy()
        }
        let next = blocks.take(chunk.elementCount)
        let planes = [next] + slots
        let digests = planes.map { _ in DigestStream() }
        for tile in Self.tiles(of: chunk.elementCount) {
            let parts = planes.map { UnsafeMutableBufferPointer(rebasing: $0.floats[tile]) }
            _ = parts[0].update(fromContentsOf: values.floats[tile])
            step.rule.update(
                weights: parts[0], slots: Array(parts.dropFirst()),
                gradientSum: UnsafeBufferPointer(rebasing: root.floats[tile]),
                gradientScale: step.scale, learningRate: step.learningRate,
                progress: step.progress, ranges: ranges.compactMap { $0.part(in: tile) },
                kernels: kernels)
            for (part, digest) in zip(parts, digests) {
                digest.update(UnsafeRawBufferPointer(part))
            }
        }
        values = next
        hash = digests[0].digest
        slotHashes = digests.dropFirst().map(\.digest)
    }

    /// Tensors that share a decay are neighbours more often than not, but each is told its own.
    private mutating func average(
        _ root: Sum, _ step: StepUpdate, _ kernels: UnsafePointer<ck_table>
    ) {
        let next = values.copy()
        let sums = root.writable(blocks)
        for piece in pieces where piece.tensor.attributes.movingAverageDecay < 1 {
            MovingAverage(decay: Double(piece.tensor.attributes.movingAverageDecay)).update(
                next.floats, sums: sums.floats, scale: step.scale, at: step.stepInPhase,
                range: piece.chunkOffset..<piece.chunkOffset + piece.count, kernels: kernels)
        }
        values = next
        hash = Digest(of: next)
    }

    // MARK: Reduction

    /// A node's value: a payload as it came, or a sum of ours.
    private enum Sum {
        case payload(Frame)
        case block(FloatBlocks.Block)

        var floats: UnsafeBufferPointer<Float> {
            switch self {
            case .payload(let frame): frame.bytes.assumingMemoryBound(to: Float.self)
            case .block(let block): UnsafeBufferPointer(block.floats)
            }
        }

        func writable(_ blocks: FloatBlocks) -> FloatBlocks.Block {
            switch self {
            case .payload(let frame): ChunkState.block(of: frame, blocks)
            case .block(let block): block
            }
        }
    }

    private func sum(
        of nodes: [CommitJob.NodePayload], _ tree: SlotTree, _ format: GradientFormat,
        _ kernels: UnsafePointer<ck_table>
    ) -> Sum {
        let parts = nodes.map { (node: $0.node, value: leaf($0.payload, format, kernels)) }
        return tree.reduce(parts, to: tree.root) { left, right in
            let sum: FloatBlocks.Block
            if case .block(let own) = left {
                sum = own
            } else {
                sum = blocks.take(chunk.elementCount)
            }
            guard let out = sum.floats.baseAddress, let a = left.floats.baseAddress,
                let b = right.floats.baseAddress
            else { return left }
            kernels.pointee.add(out, a, b, chunk.elementCount)
            if format == .bfloat16 {
                kernels.pointee.round_to_bfloat16(out, out, chunk.elementCount)
            }
            return .block(sum)
        }
    }

    /// Small payloads may lie at odd addresses in a receive buffer.
    private func leaf(
        _ payload: Frame, _ format: GradientFormat, _ kernels: UnsafePointer<ck_table>
    ) -> Sum {
        let byteCount = chunk.elementCount * format.elementByteCount
        precondition(
            payload.byteCount == byteCount,
            "chunk \(chunk.id): \(payload.byteCount) of \(byteCount) bytes")
        if format == .bfloat16 {
            return .block(blocks.floats(ofBFloat16: payload.bytes, kernels: kernels))
        }
        let isAligned = UInt(bitPattern: payload.bytes.baseAddress) % 4 == 0
        return isAligned ? .payload(payload) : .block(Self.block(of: payload, blocks))
    }

    private static func block(of frame: Frame, _ blocks: FloatBlocks) -> FloatBlocks.Block {
        let block = blocks.take(frame.byteCount / 4)
        UnsafeMutableRawBufferPointer(block.floats).copyMemory(from: frame.bytes)
        return block
    }
}

extension UpdateRange {
    /// What of the range lies in a tile, counted from its first element; nil where nothing does.
    fileprivate func part(in tile: Range<Int>) -> UpdateRange? {
        let common = elements.clamped(to: tile)
        guard !common.isEmpty else { return nil }
        var part = self
        part.elements = common.lowerBound - tile.lowerBound..<common.upperBound - tile.lowerBound
        return part
    }
}

extension Digest {
    fileprivate init(of block: FloatBlocks.Block) {
        self.init(of: UnsafeRawBufferPointer(block.floats))
    }
}

/// What all chunks of a commit share.
struct StepUpdate {
    let tree: SlotTree
    /// Of weight gradients.
    let gradientFormat: GradientFormat
    let stepInPhase: Int
    let rule: UpdateRule
    let learningRate: Double
    /// Advanced to this step.
    let progress: OptimizerProgress

    /// 1/V.
    var scale: Float { 1 / Float(tree.slotCount) }
}
