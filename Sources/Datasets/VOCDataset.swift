/// A Pascal VOC layout as a source of batches and of validation samples.
///
/// All it hands out is a
/// pure function of the options, the files and the request.
public final class VOCDataset: BatchSource {
    /// What the run's configuration keeps.
    public let index: DatasetIndex
    /// What was put right while the index was built; empty for a given index.
    public let warnings: [DatasetWarning]

    var seed: UInt64 { options.seed }
    var scales: [Double] { options.scales }
    var flip: Flip { options.flip }

    private let options: DatasetOptions
    private let folder: VOCFolder
    private let reader: SampleReader
    private let cache: SampleCache

    /// Class names in index order, the background first.
    public var classNames: [String] { index.classNames }

    /// Reads every file once and builds the index.
    ///
    /// Throws `DatasetError` for the first thing wrong; with `badFile: substitute` damaged training
    /// images are substituted instead.
    public convenience init(_ options: DatasetOptions) throws {
        let scan = try DatasetScan(options)
        let (index, warnings) = try scan.index(badFile: options.badFile)
        try self.init(options, index: index, warnings: warnings)
    }

    /// Takes the index of a run: opens nothing until an image is needed, and refuses files that
    /// are not those of the index.
    public convenience init(_ options: DatasetOptions, index: DatasetIndex) throws {
        try self.init(options, index: index, warnings: [])
    }

    private init(
        _ options: DatasetOptions, index: DatasetIndex, warnings: [DatasetWarning]
    ) throws {
        precondition(
            options.scales.allSatisfy { $0 > 0 && $0.isFinite } && !options.scales.isEmpty,
            "scales \(options.scales)")
        self.options = options
        self.index = index
        self.warnings = warnings
        folder = try VOCFolder(root: options.root)
        var coco: COCOBoxes?
        if let file = index.boxFile {
            let bytes = try VOCDataset.read(file, in: folder)
            coco = try COCOBoxes(bytes.bytes, path: bytes.path, classNames: index.classNames)
        }
        reader = SampleReader(
            folder: folder, classNames: index.classNames,
            minimumComponentArea: options.minimumComponentArea, boxSource: options.boxes,
            cocoBoxes: coco)
        cache = SampleCache(capacityByteCount: options.cacheByteCount)
    }

    /// Images in a split.
    public func count(of split: DatasetSplit) -> Int { index[split].count }

    /// One image of a split at its own size.
    ///
    /// Throws `DatasetError` where a file is missing, damaged or not the one of the index.
    public func sample(split: DatasetSplit, index position: Int) throws -> Sample {
        let entry = index[split][position]
        let key = "\(entry.mask == nil ? "weak" : "labelled")/\(entry.name)"
        if let known = cache[key] { return known }
        let image = try VOCDataset.read(entry.image, in: folder)
        let mask = try entry.mask.map { try VOCDataset.read($0, in: folder) }
        let annotation = try entry.annotation.map { try VOCDataset.read($0, in: folder) }
        let instances = try entry.instances.map { try VOCDataset.read($0, in: folder) }
        let (sample, _) = try reader.sample(
            name: entry.name, image: image, mask: mask, annotation: annotation,
            instances: instances)
        cache.insert(sample, for: key)
        return sample
    }

    private static func read(_ file: DatasetIndex.File, in folder: VOCFolder) throws -> FileBytes {
        let bytes = try folder.read(file.name)
        let found = (count: bytes.bytes.count, hash: bytes.sha256)
        guard found.count == file.byteCount && found.hash == file.sha256 else {
            throw DatasetError(
                .changedFile, bytes.path,
                "not the file of this run's index: \(found.count) bytes, SHA-256 "
                    + "\(found.hash.prefix(16))…, where the index has \(file.byteCount) bytes, "
                    + "\(file.sha256.prefix(16))…",
                remedy: "Copy the data set from the machine that started the run")
        }
        return bytes
    }
}
