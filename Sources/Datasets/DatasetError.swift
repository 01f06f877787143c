/// What is wrong with a data set: the file, the finding, and what to do about it.
public struct DatasetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sort of fault, for tests and exit codes.
    public enum Kind: String, Hashable, Sendable, Codable {
        case missingFolder, missingFile, unreadableFile, unwritableFile, changedFile
        case damagedImage, unsupportedImage, damagedMask, unsupportedMask, maskValue, sizeMismatch
        case malformedAnnotation, boxCoordinate, boxOutside, unknownClass
        case emptyList, overlappingLists, duplicateName, unsafeName, classNames, selection
    }

    /// The sort of fault.
    public var kind: Kind
    /// File or list the fault is in, with the line where it is known.
    public var subject: String
    /// What was found.
    public var problem: String
    /// What to do about it.
    public var remedy: String

    /// Takes the remedy as a sentence without its full stop.
    public init(_ kind: Kind, _ subject: String, _ problem: String, remedy: String) {
        self.kind = kind
        self.subject = subject
        self.problem = problem
        self.remedy = remedy
    }

    /// One line: where, what, what to do.
    public var description: String { "\(subject): \(problem). \(remedy)." }

    /// Exit status of a program that stops on this: 66 missing input, 73 cannot write,
    /// 78 configuration, 65 bad data (sysexits.h).
    public var exitStatus: Int32 {
        switch kind {
        case .missingFolder, .missingFile, .unreadableFile: 66
        case .unwritableFile: 73
        case .selection, .unsafeName: 78
        default: 65
        }
    }
}

/// Something in a data set that was put right and is worth knowing.
public struct DatasetWarning: Hashable, Sendable, Codable, CustomStringConvertible {
    /// File or list it concerns.
    public var subject: String
    /// What was found and done.
    public var problem: String

    /// One line: where and what.
    public var description: String { "\(subject): \(problem)" }
}
