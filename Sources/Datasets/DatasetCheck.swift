/// Reads a whole data set and reports everything that is wrong or odd, not the first thing only.
public enum DatasetCheck {
    /// The report on all images of the lists.
    ///
    /// Throws `DatasetError` only where there is nothing to look at: no folder, no lists, wrong
    /// class names. All else is in the report.
    public static func run(_ options: DatasetOptions) throws -> DatasetReport {
        let scan = try DatasetScan(options)
        var tally = Tally(scan: scan, root: options.root)
        for split in DatasetSplit.allCases {
            let outcomes = scan.map(split) { name, outcome in
                outcome.map { Digest($0, classCount: scan.reader.classNames.count) }
            }
            tally.add(outcomes, to: split)
        }
        tally.findLeaks()
        tally.findEmptyClasses()
        return tally.report
    }

    /// What the report needs of one image.
    private struct Digest: Sendable {
        var size: PixelSize
        var boxes: [Int]
        var histogram: [Int]?
        var voidPixels = 0
        var imageHash: String
        var warnings: [DatasetWarning]
        var classesWithoutBox: [Int]

        init(_ finding: DatasetScan.Finding, classCount: Int) {
            size = finding.sample.image.size
            imageHash = finding.entry.image.sha256
            warnings = finding.warnings
            boxes = [Int](repeating: 0, count: classCount)
            for box in finding.sample.boxes { boxes[box.classIndex] += 1 }
            classesWithoutBox = []
            guard let labels = finding.sample.labels else { return }
            var values = [Int](repeating: 0, count: 256)
            for label in labels.labels { values[Int(label)] += 1 }
            voidPixels = values[Int(LabelMap.void)]
            histogram = Array(values.prefix(classCount))
            if finding.entry.annotation != nil {
                classesWithoutBox = (1..<classCount).filter { values[$0] > 0 && boxes[$0] == 0 }
            }
        }
    }

    private struct Tally {
        var report: DatasetReport
        private let scan: DatasetScan
        private var namesOfHash: [String: [(split: DatasetSplit, name: String)]] = [:]
        private var smallest: PixelSize?
        private var largest: PixelSize?

        init(scan: DatasetScan, root: String) {
            self.scan = scan
            let empty = DatasetReport.Split(images: 0, imagesWithMask: 0, boxes: 0)
            report = DatasetReport(
                root: root, labelled: empty, weak: empty, validation: empty,
                classes: scan.reader.classNames.enumerated().map {
                    DatasetReport.Class(
                        index: $0.offset, name: $0.element, trainingPixels: 0,
                        validationPixels: 0, boxes: 0)
                }, voidPixels: 0, errors: [], warnings: [])
        }

        mutating func add(_ outcomes: [Result<Digest, DatasetError>], to split: DatasetSplit) {
            var summary = DatasetReport.Split(
                images: outcomes.count, imagesWithMask: 0, boxes: 0)
            for (name, outcome) in zip(scan.names(of: split), outcomes) {
                switch outcome {
                case .failure(let error):
                    report.errors.append(
                        DatasetReport.Finding(
                            kind: error.kind.rawValue,
                            message: "\(split.rawValue) image `\(name)`: \(error)"))
                case .success(let digest):
                    summary.boxes += digest.boxes.reduce(0, +)
                    summary.imagesWithMask += digest.histogram == nil ? 0 : 1
                    add(digest, name: name, split: split)
                }
            }
            switch split {
            case .labelled: report.labelled = summary
            case .weak: report.weak = summary
            case .validation: report.validation = summary
            }
        }

        private mutating func add(_ digest: Digest, name: String, split: DatasetSplit) {
            namesOfHash[digest.imageHash, default: []].append((split, name))
            if smallest.map({ digest.size.count < $0.count }) ?? true { smallest = digest.size }
            if largest.map({ digest.size.count > $0.count }) ?? true { largest = digest.size }
            report.smallestImage = smallest?.description
            report.largestImage = largest?.description
            report.voidPixels += digest.voidPixels
            for index in report.classes.indices {
                report.classes[index].boxes += digest.boxes[index]
                let pixels = digest.histogram?[index] ?? 0
                if split == .validation {
                    report.classes[index].validationPixels += pixels
                } else {
                    report.classes[index].trainingPixels += pixels
                }
            }
            for warning in digest.warnings { warn("annotation", warning.description) }
            if !digest.classesWithoutBox.isEmpty {
                let names = digest.classesWithoutBox.map { scan.reader.classNames[$0] }
                warn(
                    "classWithoutBox",
                    "\(split.rawValue) image `\(name)`: its mask shows "
                        + names.joined(separator: ", ")
                        + " but no box does; the ancillary network may not learn it there")
            }
        }

        private mutating func warn(_ kind: String, _ message: String) {
            report.warnings.append(DatasetReport.Finding(kind: kind, message: message))
        }

        /// Validation images that are trained on, by name or by content.
        mutating func findLeaks() {
            let trained = Set(scan.lists.labelled + scan.lists.weak)
            let both = scan.lists.validation.filter { trained.contains($0) }
            if let first = both.first {
                report.errors.append(
                    DatasetReport.Finding(
                        kind: "leakage",
                        message: "\(both.count) validation images are also trained on, the first "
                            + "of them `\(first)`. Take them off one of the lists."))
            }
            for hash in namesOfHash.keys.sorted() {
                guard let places = namesOfHash[hash], places.count > 1 else { continue }
                let names = places.map { "`\($0.name)` (\($0.split.rawValue))" }
                guard Set(places.map(\.name)).count > 1 else { continue }
                warn(
                    "sameImage",
                    "the same image under several names: " + names.joined(separator: ", "))
            }
        }

        mutating func findEmptyClasses() {
            for entry in report.classes where entry.index > 0 {
                if entry.trainingPixels == 0 {
                    warn(
                        "emptyClass",
                        "class \(entry.index) `\(entry.name)` has no pixel in the masks of F")
                } else if entry.validationPixels == 0 {
                    warn(
                        "emptyClass",
                        "class \(entry.index) `\(entry.name)` has no pixel in validation; its IoU "
                            + "is undefined or 0")
                }
            }
        }
    }
}
