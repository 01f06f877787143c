import Dispatch
import Foundation
import Synchronization

/// Reads and decodes every file once, to build the index and to find what is wrong before a run.
package struct DatasetScan {
    let folder: VOCFolder
    package let lists: DatasetLists
    let reader: SampleReader
    let boxFile: DatasetIndex.File?
    let maskAccess: MaskAccess

    /// What became of one image.
    package struct Finding {
        package var entry: DatasetIndex.Entry
        package var sample: Sample
        package var warnings: [DatasetWarning]
    }

    package init(_ options: DatasetOptions) throws {
        folder = try VOCFolder(root: options.root)
        let classNames = try folder.classNames()
        lists = try DatasetLists(options, in: folder)
        maskAccess = options.maskAccess
        var coco: COCOBoxes?
        if case .coco(let file) = options.boxes {
            let bytes = try folder.read(file)
            coco = try COCOBoxes(bytes.bytes, path: bytes.path, classNames: classNames)
            boxFile = DatasetIndex.File(
                name: file, byteCount: bytes.bytes.count, sha256: bytes.sha256)
        } else {
            boxFile = nil
        }
        reader = SampleReader(
            folder: folder, classNames: classNames,
            minimumComponentArea: options.minimumComponentArea, boxSource: options.boxes,
            cocoBoxes: coco)
    }

    func names(of split: DatasetSplit) -> [String] {
        switch split {
        case .labelled: lists.labelled
        case .weak: lists.weak
        case .validation: lists.validation
        }
    }

    /// Reads one image.
    package func read(_ name: String, split: DatasetSplit) throws -> Finding {
        let image = try folder.read(folder.imageName(name))
        let files = reader.files(of: name, split: split, maskAccess: maskAccess)
        let mask = try files.mask.map(folder.read)
        let annotation = try files.annotation.map(folder.read)
        let instances = try files.instances.map(folder.read)
        let (sample, warnings) = try reader.sample(
            name: name, image: image, mask: mask, annotation: annotation, instances: instances)
        func record(_ file: String, _ bytes: FileBytes) -> DatasetIndex.File {
            DatasetIndex.File(name: file, byteCount: bytes.bytes.count, sha256: bytes.sha256)
        }
        let entry = DatasetIndex.Entry(
            name: name, image: record(folder.imageName(name), image),
            mask: mask.map { record(folder.maskName(name), $0) },
            annotation: annotation.map { record(folder.annotationName(name), $0) },
            instances: instances.map { record(folder.instancesName(name), $0) })
        return Finding(entry: entry, sample: sample, warnings: warnings)
    }

    /// Reads the images of a split on all processors and hands each outcome to `digest`; results
    /// are in list order.
    func map<Result: Sendable>(
        _ split: DatasetSplit,
        _ digest: @Sendable (String, Swift.Result<Finding, DatasetError>) -> Result
    ) -> [Result] {
        let names = names(of: split)
        let results = Mutex([Result?](repeating: nil, count: names.count))
        withoutActuallyEscaping(digest) { digest in
            DispatchQueue.concurrentPerform(iterations: names.count) { index in
                let outcome: Swift.Result<Finding, DatasetError>
                do {
                    outcome = .success(try read(names[index], split: split))
                } catch let error as DatasetError {
                    outcome = .failure(error)
                } catch {
                    preconditionFailure("reading \(names[index]): \(error)")
                }
                let result = digest(names[index], outcome)
                results.withLock { $0[index] = result }
            }
        }
        return results.withLock { $0.compactMap { $0 } }
    }

    /// The index and all warnings, in list order.
    ///
    /// Throws the first `DatasetError` in list order, or where bad files are substituted only when
    /// a whole list is bad or a validation image is.
    func index(badFile: BadFilePolicy) throws -> (index: DatasetIndex, warnings: [DatasetWarning]) {
        var index = DatasetIndex(
            classNames: reader.classNames, labelled: [], weak: [], validation: [],
            boxFile: boxFile, substitutions: [])
        var warnings: [DatasetWarning] = []
        for split in DatasetSplit.allCases {
            let outcomes = map(split) { _, outcome in
                outcome.map { (entry: $0.entry, warnings: $0.warnings) }
            }
            let policy = split == .validation ? .stop : badFile
            let entries = try settle(outcomes, split: split, policy: policy, into: &index)
            for case .success(let found) in outcomes { warnings += found.warnings }
            switch split {
            case .labelled: index.labelled = entries
            case .weak: index.weak = entries
            case .validation: index.validation = entries
            }
        }
        return (index, warnings)
    }

    private func settle(
        _ outcomes: [Result<(entry: DatasetIndex.Entry, warnings: [DatasetWarning]), DatasetError>],
        split: DatasetSplit, policy: BadFilePolicy, into index: inout DatasetIndex
    ) throws -> [DatasetIndex.Entry] {
        let names = names(of: split)
        return try outcomes.indices.map { position in
            switch outcomes[position] {
            case .success(let found): return found.entry
            case .failure(let error):
                guard policy == .substitute else { throw error }
                let others = (1..<outcomes.count).map { (position + $0) % outcomes.count }
                for other in others {
                    guard case .success(let found) = outcomes[other] else { continue }
                    index.substitutions.append(
                        DatasetIndex.Substitution(
                            split: split, damaged: names[position], substitute: names[other],
                            reason: error.description))
                    return found.entry
                }
                throw error
            }
        }
    }
}
