extension VOCDataset {
    /// The batch of a slot.
    ///
    /// Image i of slot v of step t takes draw t·V·f + v·f + i of its stream, f being the stream's
    /// images per slot (DESIGN §3).
    public func batch(_ request: BatchRequest) throws -> SlotBatch {
        let pixelCount = request.crop.count
        let classCount = classNames.count
        var batch = SlotBatch(
            images: [Float](repeating: 0, count: request.batch * pixelCount * 3),
            labels: [UInt8](
                repeating: LabelMap.void, count: request.labelled * pixelCount),
            boxes: request.boxes == .needed
                ? [Float](repeating: 0, count: request.batch * pixelCount * classCount) : [],
            valid: [UInt8](repeating: 0, count: request.batch * pixelCount),
            count: request.batch, labelledCount: request.labelled, names: [])
        for position in 0..<request.batch {
            let place = try index.place(of: request, position: position, seed: seed)
            let sample = try sample(split: place.split, index: place.index)
            precondition(
                position >= request.labelled || sample.labels != nil,
                "\(sample.name) has no mask: the index was built without access to it")
            var stream = RandomStream(
                seed: seed, purpose: .augmentation,
                UInt64(request.phaseIndex) << 32 | UInt64(request.stepInPhase),
                UInt64(request.slot) << 32 | UInt64(position))
            let choice = CropChoice(
                stream: &stream, source: sample.image.size, crop: request.crop, scales: scales,
                flip: flip)
            let view = CropView(source: sample.image.size, crop: request.crop, choice: choice)
            batch.write(sample, through: view, at: position, classCount: classCount)
            batch.names.append(sample.name)
        }
        return batch
    }
}

extension SlotBatch {
    /// Fills one image's part of the batch.
    fileprivate mutating func write(
        _ sample: Sample, through view: CropView, at position: Int, classCount: Int
    ) {
        let pixelCount = view.rows.count * view.columns.count
        images.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            view.image(sample.image, into: base + position * pixelCount * 3)
        }
        valid.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            view.valid(into: base + position * pixelCount)
        }
        if position < labelledCount, let map = sample.labels {
            labels.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                view.labels(map, into: base + position * pixelCount)
            }
        }
        guard !boxes.isEmpty else { return }
        boxes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            view.boxes(
                sample.boxes, classCount: classCount,
                into: base + position * pixelCount * classCount)
        }
    }
}
