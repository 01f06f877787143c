/// The names of the images of F, W and validation, F and W disjoint.
package struct DatasetLists: Hashable, Sendable {
    package var labelled: [String]
    package var weak: [String]
    package var validation: [String]

    /// Throws `DatasetError` for lists that are absent, empty or overlap.
    init(_ options: DatasetOptions, in folder: VOCFolder) throws {
        validation = try folder.list(options.validation)
        guard let count = options.supervised else {
            labelled = try folder.list(options.labelled ?? "train")
            weak = try options.weak.map { try folder.list($0) } ?? []
            try DatasetLists.refuseOverlap(labelled, weak)
            return
        }
        let source = options.labelled ?? "train"
        guard options.weak == nil else {
            throw DatasetError(
                .selection, "data.supervised", "both it and data.weak are given",
                remedy: "Give either a number of labelled images or two lists")
        }
        let names = try folder.list(source)
        guard count > 0 && count <= names.count else {
            throw DatasetError(
                .selection, "data.supervised",
                "\(count) of the \(names.count) images in `\(source)`",
                remedy: "Give a number from 1 to \(names.count)")
        }
        (labelled, weak) = DatasetLists.split(names, labelled: count, seed: options.splitSeed)
    }

    /// The first `count` names of a permutation that depends on the seed and the number of names:
    /// the F of a smaller count is part of the F of a larger one.
    package static func split(
        _ names: [String], labelled count: Int, seed: UInt64
    ) -> (labelled: [String], weak: [String]) {
        let order = KeyedPermutation(
            count: names.count, seed: seed, stream: UInt64(RandomPurpose.split.rawValue), epoch: 0)
        let shuffled = names.indices.map { names[order[$0]] }
        return (Array(shuffled.prefix(count)), Array(shuffled.dropFirst(count)))
    }

    private static func refuseOverlap(_ labelled: [String], _ weak: [String]) throws {
        let known = Set(labelled)
        let both = weak.filter { known.contains($0) }
        guard both.isEmpty else {
            throw DatasetError(
                .overlappingLists, "data.labelled and data.weak",
                "\(both.count) images are in both lists, the first of them `\(both[0])`",
                remedy: "Take them off one of the lists")
        }
    }
}
