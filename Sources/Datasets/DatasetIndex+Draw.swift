extension DatasetIndex {
    /// The names of a slot's images, in batch order; opens no file.
    ///
    /// Throws `DatasetError` where the request draws from an empty split.
    public func imageNames(of request: BatchRequest, seed: UInt64) throws -> [String] {
        try (0..<request.batch).map { position in
            let place = try place(of: request, position: position, seed: seed)
            return self[place.split][place.index].name
        }
    }

    /// The image at a position of a slot.
    func place(
        of request: BatchRequest, position: Int, seed: UInt64
    ) throws -> (split: DatasetSplit, index: Int) {
        let isLabelled = position < request.labelled
        let perSlot = isLabelled ? request.labelled : request.batch - request.labelled
        let within = isLabelled ? position : position - request.labelled
        let slots = request.stepInPhase * request.slotCount + request.slot
        let draw = slots * perSlot + within
        let count: Int
        switch (request.pool, isLabelled) {
        case (.labelled, _), (.labelledAndWeak, true): count = labelled.count
        case (.labelledHalf, _): count = (labelled.count + 1) / 2
        case (.labelledAndWeak, false): count = weak.count
        case (.all, _): count = labelled.count + weak.count
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
        if !isLabelled { return (.weak, index) }
        return index < labelled.count ? (.labelled, index) : (.weak, index - labelled.count)
    }
}
