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
            let sample = try draw(request, position: position)
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

    /// The image at a position of a slot.
    private func draw(_ request: BatchRequest, position: Int) throws -> Sample {
        let isLabelled = position < request.labelled
        let perSlot = isLabelled ? request.labelled : request.batch - request.labelled
        let within = isLabelled ? position : position - request.labelled
        let slots = request.stepInPhase * request.slotCount + request.slot
        let draw = slots * perSlot + within
        let labelledCount = count(of: .labelled)
        let count: Int
        switch (request.pool, isLabelled) {
        case (.labelled, _), (.labelledAndWeak, true): count = labelledCount
        case (.labelledHalf, _): count = (labelledCount + 1) / 2
        case (.labelledAndWeak, false): count = self.count(of: .weak)
        case (.all, _): count = labelledCount + self.count(of: .weak)
        }
        guard count > 0 else {
            throw DatasetError(
                .selection, "data.weak", "the method draws weak images and there are none",
                remedy: "Give data.weak, or data.supervised smaller than the list")
        }
        let order = DrawOrder(
            count: count, seed: seed,
            stream: UInt64(RandomPurpose.permutation.rawValue) << 32
                | UInt64(request.phaseIndex) << 1 | (isLabelled ? 0 : 1))
        let index = order[draw]
        if !isLabelled { return try sample(split: .weak, index: index) }
        return index < labelledCount
            ? try sample(split: .labelled, index: index)
            : try sample(split: .weak, index: index - labelledCount)
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
