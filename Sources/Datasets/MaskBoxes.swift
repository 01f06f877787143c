/// Boxes from masks, for labelled images without annotations.
package enum MaskBoxes {
    /// One tight box for each 8-connected component of each class (background and void aside)
    /// that has at least `minimumArea` pixels, by class and then by its first pixel in reading
    /// order.
    package static func fromComponents(
        of map: LabelMap, minimumArea: Int
    ) -> [BoundingBox] {
        var found: [(box: BoundingBox, first: Int)] = []
        var visited = [Bool](repeating: false, count: map.labels.count)
        var pending: [Int] = []
        for start in map.labels.indices {
            let label = map.labels[start]
            guard !visited[start], label != 0, label != LabelMap.void else { continue }
            visited[start] = true
            pending.append(start)
            var extent = PixelExtent()
            var area = 0
            while let position = pending.popLast() {
                let (y, x) = position.quotientAndRemainder(dividingBy: map.size.width)
                extent.include(x: x, y: y)
                area += 1
                for ny in max(y - 1, 0)...min(y + 1, map.size.height - 1) {
                    for nx in max(x - 1, 0)...min(x + 1, map.size.width - 1) {
                        let neighbour = ny * map.size.width + nx
                        guard !visited[neighbour], map.labels[neighbour] == label else { continue }
                        visited[neighbour] = true
                        pending.append(neighbour)
                    }
                }
            }
            if area >= minimumArea { found.append((extent.box(classIndex: Int(label)), start)) }
        }
        found.sort { ($0.box.classIndex, $0.first) < ($1.box.classIndex, $1.first) }
        return found.map(\.box)
    }

    /// One tight box for each object of a `SegmentationObject` mask, by object number; its class
    /// is the one that most of its pixels have in `map`.
    package static func fromObjects(
        _ objects: IndexImage, classes map: LabelMap
    ) -> [BoundingBox] {
        precondition(objects.size == map.size, "objects \(objects.size), classes \(map.size)")
        var extents = [PixelExtent](repeating: PixelExtent(), count: 1 << 16)
        var votes: [UInt16: [Int]] = [:]
        for (position, object) in objects.indices.enumerated() where object != 0 && object != 255 {
            let (y, x) = position.quotientAndRemainder(dividingBy: map.size.width)
            extents[Int(object)].include(x: x, y: y)
            let label = map.labels[position]
            guard label != 0 && label != LabelMap.void else { continue }
            votes[object, default: [Int](repeating: 0, count: 255)][Int(label)] += 1
        }
        return votes.keys.sorted().compactMap { object in
            guard let counts = votes[object], let most = counts.max(), most > 0,
                let label = counts.firstIndex(of: most)
            else { return nil }
            return extents[Int(object)].box(classIndex: label)
        }
    }
}
